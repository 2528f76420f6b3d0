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
#   TWINPATCH   the program [build/release/bin/twinpatch]     MODELS    models to try [siam]
#   FEATURES    SIFT keypoints of an image [2048]             OPTIONS   more options for `twinpatch colmap`
#   LABEL       put behind the names of databases, for another try with other OPTIONS
#   WORK        where databases and reconstructions are kept; what is there is not made again [out/colmap]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
twinpatch=${TWINPATCH:-$here/../build/release/bin/twinpatch}
data=${TWINPATCH_DATA_DIR:-$here/../../shared/data}
work=${WORK:-out/colmap}
read -ra models <<<"${MODELS-siam}"
read -ra options <<<"${OPTIONS:-}"
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

# map SCENE FOLDER NAME: reconstructs FOLDER/NAME.db and prints its line
map() {
  rm -rf "$2/$3"
  mkdir -p "$2/$3"
  run "$2/$3.mapper.log" colmap mapper --database_path "$2/$3.db" --image_path "$1/images" --output_path "$2/$3"
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
  map "$scene" "$folder" colmap-sift
  for model in "${models[@]}"; do
    name=twinpatch-$(basename "$model" .safetensors)${LABEL:+-$LABEL}
    cp "$folder/features.db" "$folder/$name.db"
    rm -f "$folder/$name.db-wal" "$folder/$name.db-shm"
    run "$folder/$name.log" "$twinpatch" colmap "$folder/$name.db" --images "$scene/images" -m "$model" \
      "${options[@]}"
    run "$folder/$name.verify.log" colmap matches_importer --database_path "$folder/$name.db" \
      --match_list_path "$folder/$name.db.twinpatch/pairs.txt" --match_type pairs --SiftMatching.use_gpu 0
    map "$scene" "$folder" "$name"
  done
done
