# SPDX-FileCopyrightText: 2026 The twinpatch authors
# SPDX-License-Identifier: Apache-2.0
# twinpatch with its CUDA and CPU engines: docker/build.sh cuda
# Run it with the NVIDIA container toolkit: docker run --gpus all -v "$PWD:/data" twinpatch:cuda doctor

ARG DEBIAN_IMAGE=docker.io/library/debian:12
# Only files are taken from it: /usr/local/cuda, and cuDNN from there or from the system's folders.
ARG TOOLKIT_IMAGE=docker.io/nvidia/cuda:13.0.1-cudnn-devel-ubuntu24.04

FROM ${TOOLKIT_IMAGE} AS toolkit
RUN mkdir -p /opt/cuda /opt/cuda-runtime/lib && cp -a /usr/local/cuda/. /opt/cuda/ \
    && for file in /usr/include/cudnn*.h /usr/include/x86_64-linux-gnu/cudnn*.h; do \
         if [ -e "$file" ]; then cp -L "$file" /opt/cuda/include/; fi; done \
    && for file in /usr/lib/x86_64-linux-gnu/libcudnn*.so*; do \
         if [ -e "$file" ]; then cp -a "$file" /opt/cuda/lib64/; fi; done \
    && for name in libcudnn libcublasLt libcublas libnvrtc; do \
         for file in /opt/cuda/lib64/"$name"*.so.*; do \
           case "$file" in *.alt.*) continue ;; esac; cp -a "$file" /opt/cuda-runtime/lib/; done; done

FROM ${DEBIAN_IMAGE} AS builder
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      'g++=4:12.2.0-*' 'cmake=3.25.1-*' ninja-build ccache git python3 catch2 \
      'libdnnl-dev=2.6.3-*' ocl-icd-opencl-dev 'libhwy-dev=1.0.3-*' 'libxxhash-dev=0.8.1-*' 'libfmt-dev=9.1.0+*' 'nlohmann-json3-dev=3.11.2-*' \
      'libcli11-dev=2.1.2+*' 'libspdlog-dev=1:1.10.0*' 'libopencv-dev=4.6.0+*' 'libsqlite3-dev=3.40.1-*' 'libhdf5-dev=1.10.8+*' \
    && rm -rf /var/lib/apt/lists/*
COPY --from=toolkit /opt/cuda /usr/local/cuda
WORKDIR /src
COPY . .
ARG JOBS=
ARG ARCHITECTURES=80-real;86-real;89-real;90a-real;100-real;100-virtual
RUN cmake -S . -B build/release -G Ninja -DCMAKE_BUILD_TYPE=Release -DTWINPATCH_CUDA=ON -DTWINPATCH_TRAIN=OFF \
      "-DCMAKE_CUDA_ARCHITECTURES=${ARCHITECTURES}" \
    && cmake --build build/release --parallel ${JOBS}

# No GPU while an image is built: the tests that need one run by docker/build.sh cuda afterwards, where there is one.
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
COPY --from=toolkit /opt/cuda-runtime/lib /usr/local/cuda/lib
COPY --from=installed /opt/twinpatch /usr/local
RUN echo /usr/local/cuda/lib > /etc/ld.so.conf.d/cuda.conf && ldconfig
# What the NVIDIA container toolkit puts into the container: the driver's compute part and nvidia-smi.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER twinpatch
WORKDIR /data
ENTRYPOINT ["twinpatch"]
CMD ["--help"]
