// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "twinpatch/vision/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <mutex>
#include <new>
#include <opencv2/core/utils/logger.hpp>
// Flags alone: nothing of imgcodecs is called from here.
#include <opencv2/imgcodecs.hpp>

#include "codecs.hpp"
#include "completeness.hpp"
#include "tiff_orientation.hpp"
#include "twinpatch/core/file.hpp"

namespace twinpatch {
namespace vision {
namespace {

/// OpenCV prints what it thinks of a file, on its logger and on std::cerr; we throw one line instead. std::cerr is
/// muted while the last of the threads that decode is at it.
class QuietOpenCv {
 public:
  QuietOpenCv() {
    static const auto previous = cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    (void)previous;
    const std::lock_guard lock(mutex());
    if (depth()++ == 0) saved() = std::cerr.rdbuf(nullptr);
  }
  ~QuietOpenCv() {
    const std::lock_guard lock(mutex());
    if (--depth() == 0) std::cerr.rdbuf(saved());  // also clears the stream's state
  }
  QuietOpenCv(const QuietOpenCv&) = delete;             // a guard
  QuietOpenCv& operator=(const QuietOpenCv&) = delete;  // likewise

 private:
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }
  static int& depth() {
    static int instance = 0;
    return instance;
  }
  static std::streambuf*& saved() {
    static std::streambuf* instance = nullptr;
    return instance;
  }
};

/// 16 bits → 8 with 65535, or the largest value there is, going to 255; anything else but 8 bits has no agreed white.
cv::Mat to_8_bits(cv::Mat image, const std::string& path, Levels levels) {
  if (image.depth() == CV_8U) return image;
  if (image.depth() != CV_16U) {
    throw FormatError(path, 0, "expected 8 or 16 bits a channel, found signed or floating-point pixels");
  }
  double largest = 65535;
  if (levels == Levels::stretched) cv::minMaxIdx(image.reshape(1), nullptr, &largest);
  cv::Mat result;
  image.convertTo(result, CV_8U, 255.0 / std::max(largest, 1.0));
  return result;
}

}  // namespace

cv::Mat decode_image(std::span<const std::byte> bytes, const std::filesystem::path& path, Colour colour,
                     Levels levels) {
  const std::string name = path.string();
  check_image_complete(bytes, path);
  if (bytes.size() > std::numeric_limits<int>::max()) throw FormatError(name, 0, "image file larger than 2 GiB");
  const std::vector<std::byte> unturned = with_stored_orientation(bytes);
  if (!unturned.empty()) bytes = unturned;
  const QuietOpenCv quiet;
  const cv::Mat encoded(1, static_cast<int>(bytes.size()), CV_8UC1, const_cast<std::byte*>(bytes.data()));
  const int channels = colour == Colour::bgr ? cv::IMREAD_COLOR
                       : is_jpeg(bytes)      ? cv::IMREAD_GRAYSCALE
                                             : cv::IMREAD_ANYCOLOR;
  cv::Mat image;
  try {
    image = codecs_decode(encoded, channels | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION);
  } catch (const cv::Exception& error) {
    if (error.code == cv::Error::StsNoMem) throw_ours(name, error);
    throw FormatError(name, 0, "cannot decode the image: " + one_line(error));
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(name + ": out of memory while it is decoded");
  } catch (const std::exception& error) {  // of a codec's library: OpenEXR's, GDAL's
    throw FormatError(name, 0, fmt::format("cannot decode the image: {}", error.what()));
  }
  if (image.empty()) throw FormatError(name, 0, "not an image that OpenCV can decode (or a damaged one)");
  // Not left to the decoders: libpng's conversion rounds down, so that the same picture was half a level darker as PNG
  // than as BMP. A JPEG holds its grey image as such.
  return guarded(name, [&] {
    if (colour == Colour::grey && image.channels() > 1) cv::cvtColor(image, image, cv::COLOR_BGR2GRAY);
    return to_8_bits(std::move(image), name, levels);
  });
}

cv::Mat read_mat(const std::filesystem::path& path, Colour colour, Levels levels) {
  const std::vector<std::byte> bytes = read_file(path);  // refuses folders and the like, takes any file name
  return decode_image(bytes, path, colour, levels);
}

std::vector<std::byte> encode_png(const cv::Mat& image) {
  const QuietOpenCv quiet;
  std::vector<unsigned char> bytes;
  const bool done = guarded("a PNG image", [&] { return codecs_encode(".png", image, bytes, {}); });
  if (!done) throw Error("a PNG image: cannot encode it");
  const auto encoded = std::as_bytes(std::span(bytes));
  return {encoded.begin(), encoded.end()};
}

void write_mat(const std::filesystem::path& path, const cv::Mat& image) {
  const QuietOpenCv quiet;
  AtomicFile file(path);  // first: a folder that cannot be written to is the commonest mistake
  std::vector<unsigned char> bytes;
  const std::string extension = path.has_extension() ? path.extension().string() : ".png";
  try {
    if (!codecs_encode(extension, image, bytes, {})) throw IoError(path.string(), "cannot encode the image");
  } catch (const cv::Exception&) {
    throw InvalidArgument(fmt::format("{}: unknown image format '{}' (use .png or .jpg)", path.string(), extension));
  }
  file.write(std::as_bytes(std::span(bytes)));
  file.commit();
}

}  // namespace vision

void check_image_complete(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  if (bytes.empty()) throw FormatError(path.string(), 0, "expected an image, found an empty file");
  vision::check_complete(bytes, path.string());
}

GrayImage read_image(const std::filesystem::path& path, Levels levels) {
  const cv::Mat decoded = vision::read_mat(path, vision::Colour::grey, levels);
  GrayImage image(decoded.cols, decoded.rows);
  cv::Mat target = vision::as_mat(image);
  decoded.copyTo(target);
  return image;
}

void write_image(const std::filesystem::path& path, const GrayImage& image) {
  if (image.width() == 0 || image.height() == 0) throw InvalidArgument(path.string() + ": cannot write an empty image");
  vision::write_mat(path, vision::as_mat(image));
}

}  // namespace twinpatch
