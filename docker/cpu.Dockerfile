# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# twinpatch with its CPU engine: docker/build.sh cpu

ARG DEBIAN_IMAGE=docker.io/library/debian:12

FROM ${DEBIAN_IMAGE} AS builder
# Pinned up to security updates: what computes, and what reads images.
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      'g++=4:12.2.0-*' 'cmake=3.25.1-*' ninja-build ccache git python3 catch2 \
      'libdnnl-dev=2.6.3-*' ocl-icd-opencl-dev 'libhwy-dev=1.0.3-*' 'libxxhash-dev=0.8.1-*' 'libfmt-dev=9.1.0+*' 'nlohmann-json3-dev=3.11.2-*' \
      'libcli11-dev=2.1.2+*' 'libspdlog-dev=1:1.10.0*' 'libopencv-dev=4.6.0+*' 'libsqlite3-dev=3.40.1-*' 'libhdf5-dev=1.10.8+*' \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
ARG JOBS=
RUN cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DTWINPATCH_CUDA=OFF -DTWINPATCH_TRAIN=OFF \
    && cmake --build build/release --parallel ${JOBS}

# docker/build.sh builds this stage first: the image is made of what passed. Not as root, as a user would.
FROM builder AS tested
RUN useradd --create-home tester && chown -R tester /src
USER tester
RUN ctest --test-dir build/release --output-on-failure --no-tests=error --parallel "$(nproc)" --label-exclude 'gpu|slow'

FROM builder AS installed
RUN cmake --install build/release --prefix /opt/twinpatch && rm -rf /opt/twinpatch/include /opt/twinpatch/lib

FROM ${DEBIAN_IMAGE} AS runtime
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      'libdnnl2=2.6.3-*' ocl-icd-libopencl1 'libhwy1=1.0.3-*' 'libfmt9=9.1.0+*' 'libspdlog1.10=1:1.10.0*' \
      libopencv-core406 libopencv-imgproc406 libopencv-imgcodecs406 libopencv-features2d406 libopencv-calib3d406 libopencv-video406 \
      libgomp1 libsqlite3-0 libhdf5-103-1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 twinpatch
COPY --from=installed /opt/twinpatch /usr/local
USER twinpatch
WORKDIR /data
ENTRYPOINT ["twinpatch"]
CMD ["--help"]
