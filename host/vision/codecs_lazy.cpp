// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0

// libopencv_imgcodecs pulls in some 120 shared libraries (GDAL, GDCM, OpenEXR, databases …), which costs every start of
// a program linked to it about 65 ms, `--help` included. Here it is opened when the first image is read or written.
// TWINPATCH_IMGCODECS_SONAME comes from CMake: the soname of the very library that would have been linked.
#include <dlfcn.h>
#include <fmt/format.h>

#include "codecs.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::vision {
namespace {

using Imdecode = cv::Mat (*)(cv::InputArray, int);
using Imencode = bool (*)(const std::string&, cv::InputArray, std::vector<unsigned char>&, const std::vector<int>&);

struct Library {
  Imdecode imdecode = nullptr;
  Imencode imencode = nullptr;

  Library() {
    void* const handle = dlopen(TWINPATCH_IMGCODECS_SONAME, RTLD_NOW | RTLD_LOCAL);  // never closed
    if (handle == nullptr) throw Error(fmt::format("cannot load OpenCV's image codecs: {}", dlerror()));
    // The Itanium C++ ABI's names of cv::imdecode and cv::imencode; the types above must match them.
    imdecode = reinterpret_cast<Imdecode>(symbol(handle, "_ZN2cv8imdecodeERKNS_11_InputArrayEi"));
    imencode = reinterpret_cast<Imencode>(
        symbol(handle,
               "_ZN2cv8imencodeERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEERKNS_11_InputArrayE"
               "RSt6vectorIhSaIhEERKSB_IiSaIiEE"));
  }

  static void* symbol(void* handle, const char* name) {
    void* const found = dlsym(handle, name);
    if (found == nullptr)
      throw Error(fmt::format("{} has no function {}: built for another OpenCV?", TWINPATCH_IMGCODECS_SONAME, name));
    return found;
  }
};

const Library& library() {
  static const Library loaded;
  return loaded;
}

}  // namespace

cv::Mat codecs_decode(cv::InputArray bytes, int flags) { return library().imdecode(bytes, flags); }

bool codecs_encode(const std::string& extension, cv::InputArray image, std::vector<unsigned char>& bytes,
                   const std::vector<int>& parameters) {
  return library().imencode(extension, image, bytes, parameters);
}

}  // namespace twinpatch::vision
