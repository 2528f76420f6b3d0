#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# Reconstructs scenes with COLMAP twice from the same keypoints: once matched by COLMAP's own SIFT matcher, once by
# twinpatch. Prints images, points, mean track length, reprojection error and the error of camera centres.
#
#   bench/colmap_reconstructions.sh [SCENE ...]
#
# A scene is a folder with images/, sparse/cameras.txt and ground truth (gt_dense_cameras/ or poses.txt); without any,
# three of TWINPATCH_DATA_DIR are taken. Settings, from the environment:
#   TWINPATCH   the program [build/release/bin/twinpatch]     MODELS    models to try [hard128]
#   FEATURES    SIFT keypoints of an image [2048]             OPTIONS   more options for `twinpatch colmap`
#   SEEDS       of COLMAP's verification and mapper, one reconstruction each: their spread is what differences must
#               be held against [0]
#   LABEL       put behind the names of databases, for another try with other OPTIONS
#   WORK        where databases and reconstructions are kept; what is there is not made again [out/colmap]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
twinpatch=${TWINPATCH:-$here/../build/release/bin/twinpatch}
data=${TWINPATCH_DATA_DIR:-$here/../../shared/data}
work=${WORK:-out/colmap}
read -ra models <<<"${MODELS-hard128}"
read -ra options <<<"${OPTIONS:-}"
read -ra seeds <<<"${SEEDS:-0}"
export QT_QPA_PLATFORM=offscreen # COLMAP links Qt, and there may be no screen

command -v colmap >/dev/null || { echo "skipped: no colmap (Debian: apt-get install colmap)"; exit 0; }
scenes=("$@")
if [ ${#scenes[@]} -eq 0 ]; then
  for name in strecha_fountain-P11 sceaux_castle strecha_castle-P19; do
    [ -d "$data/$name" ] && scenes+=("$data/$name")
  done
fi
[ ${#scenes[@]} -gt 0 ] || { echo "skipped: no scenes in $data"; exit 0; }

# run LOG COMMAND...: quiet unless it fails
run() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || { echo "failed: $*" >&2; tail -n 20 "$log" >&2; exit 1; }
}

# extract SCENE FOLDER: FOLDER/features.db
extract() {
  [ -e "$2/features.db" ] && return
  local model parameters
  read -r model parameters < <(awk '!/^#/ { p = $5; for (i = 6; i <= NF; ++i) p = p "," $i; print $2, p; exit }' \
    "$1/sparse/cameras.txt")
  rm -f "$2/making.db"
  run "$2/extract.log" colmap feature_extractor --database_path "$2/making.db" --image_path "$1/images" \
    --ImageReader.single_camera 1 --ImageReader.camera_model "$model" --ImageReader.camera_params "$parameters" \
    --SiftExtraction.use_gpu 0 --SiftExtraction.max_num_features "${FEATURES:-2048}"
  mv "$2/making.db" "$2/features.db"
}

# without_geometries DATABASE LIST: takes the verified pairs away, lists all that have matches
without_geometries() {
  python3 - "$1" "$2" <<'PYTHON'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("DELETE FROM two_view_geometries")
names = dict(database.execute("SELECT image_id, name FROM images"))
with open(sys.argv[2], "w") as pairs:
    for (pair,) in database.execute("SELECT pair_id FROM matches WHERE rows > 0"):
        print(names[pair // 2147483647], names[pair % 2147483647], file=pairs)
database.commit()
PYTHON
}

# map SCENE FOLDER NAME SEED: verifies and reconstructs the matches of FOLDER/NAME.db and prints a line
map() {
  local database=$2/$3.$4.db
  set -- "$1" "$2" "$3.$4" "$4" "$3"
  rm -rf "${2:?}/$3" "$database"*
  mkdir -p "$2/$3"
  cp "$2/$5.db" "$database"
  without_geometries "$database" "$database.pairs"
  run "$2/$3.verify.log" colmap matches_importer --random_seed "$4" --database_path "$database" \
    --match_list_path "$database.pairs" --match_type pairs --SiftMatching.use_gpu 0
  run "$2/$3.mapper.log" colmap mapper --random_seed "$4" --Mapper.num_threads 1 --database_path "$database" \
    --image_path "$1/images" --output_path "$2/$3"
  local folders=() model
  for model in "$2/$3"/*/; do
    run "$2/$3.convert.log" colmap model_converter --input_path "$model" --output_path "$model" --output_type TXT
    folders+=("$model")
  done
  python3 "$here/colmap_evaluate.py" "$3" "$1" "${folders[@]}"
}

printf '%-28s %8s %8s %8s %10s %22s\n' matcher images points track error "centres mean / largest"
for scene in "${scenes[@]}"; do
  scene=${scene%/}
  folder=$work/$(basename "$scene")
  mkdir -p "$folder"
  echo "$(basename "$scene"), ${FEATURES:-2048} keypoints:"
  extract "$scene" "$folder"
  if [ ! -e "$folder/colmap-sift.db" ]; then
    cp "$folder/features.db" "$folder/making.db"
    run "$folder/sift.log" colmap exhaustive_matcher --database_path "$folder/making.db" --SiftMatching.use_gpu 0
    mv "$folder/making.db" "$folder/colmap-sift.db"
  fi
  for seed in "${seeds[@]}"; do map "$scene" "$folder" colmap-sift "$seed"; done
  for model in "${models[@]}"; do
    name=twinpatch-$(basename "$model" .safetensors)${LABEL:+-$LABEL}
    cp "$folder/features.db" "$folder/$name.db"
    rm -f "$folder/$name.db-wal" "$folder/$name.db-shm"
    run "$folder/$name.log" "$twinpatch" colmap "$folder/$name.db" --images "$scene/images" -m "$model" \
      "${options[@]}"
    for seed in "${seeds[@]}"; do map "$scene" "$folder" "$name" "$seed"; done
  done
done
