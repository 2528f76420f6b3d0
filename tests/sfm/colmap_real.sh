#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# colmap_real.sh TWINPATCH DATA_FOLDER: five photographs of a fountain, COLMAP's keypoints, twinpatch's matches, and then
# exactly the commands that twinpatch says come next; all images must be registered. Verified by COLMAP and here, guided, with
# images added and pairs dropped early, and with windows of affine shapes.
set -euo pipefail
twinpatch=$1
scene=$2/strecha_fountain-P11
command -v colmap >/dev/null || { echo "skipped: no colmap (Debian: apt-get install colmap)"; exit 0; }
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
[ -d "$scene" ] || { echo "skipped: no $scene"; exit 0; }
export QT_QPA_PLATFORM=offscreen # COLMAP links Qt, and there may be no screen

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir "the images"
for i in 3 4 5 6 7; do cp "$scene/images/000$i.jpg" "the images/"; done
quietly() { "$@" >log 2>&1 || { echo "failed: $*"; tail -n 15 log; exit 1; }; }
extract() { # DATABASE OPTION...
  quietly colmap feature_extractor --database_path "$1" --image_path "the images" --ImageReader.single_camera 1 \
    --ImageReader.camera_model SIMPLE_PINHOLE --ImageReader.camera_params 1434,790,530 \
    --SiftExtraction.use_gpu 0 --SiftExtraction.max_num_features 800 --SiftExtraction.max_image_size 1000 "${@:2}"
}
extract "it's.db"

# images registered and points of the largest model in sparse/
count() {
  local model
  for model in sparse/*/; do quietly colmap model_converter --input_path "$model" --output_path "$model" --output_type TXT; done
  grep -v '^#' sparse/0/images.txt | awk 'NR % 2 == 1' | wc -l
}
go_on() { # the commands of --json's "next", one after the other
  python3 -c 'import json, sys; print("\n".join(json.load(open(sys.argv[1]))["next"]))' "$1" >next.sh
  cat next.sh
  rm -rf sparse
  quietly bash -e next.sh
  local registered
  registered=$(count)
  echo "$registered images registered, $(grep -vc '^#' sparse/0/points3D.txt) points"
  [ "$registered" = 5 ] || { echo "expected 5 registered images"; exit 1; }
}

# The patches of the shipped model; names without spaces, so that COLMAP reads the list.
"$twinpatch" colmap "it's.db" --images "the images" --json >plain.json
go_on plain.json
"$twinpatch" colmap "it's.db" --images "the images" --replace --verify --json >verified.json
go_on verified.json
"$twinpatch" colmap "it's.db" --images "the images" --replace --guided --run guided --json >guided.json
go_on guided.json

# Four images, then the fifth.
printf '%s\n' 0003.jpg 0004.jpg 0005.jpg 0006.jpg >four.txt
extract grown.db --image_list_path four.txt
"$twinpatch" colmap grown.db --images "the images" --early-exit 256 --quiet
extract grown.db
"$twinpatch" colmap grown.db --images "the images" --early-exit 256 --json >grown.json
tr -d ' \n' <grown.json | grep -q '"added":\["0007.jpg"\]' || { echo "expected one image to be added"; cat grown.json; exit 1; }
go_on grown.json

extract affine.db --SiftExtraction.estimate_affine_shape 1
"$twinpatch" colmap affine.db --images "the images" --affine --guided --verify --json >affine.json
go_on affine.json
