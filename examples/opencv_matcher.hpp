// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/core/version.hpp>
#if CV_VERSION_MAJOR >= 5
#include <opencv2/features.hpp>
#else
#include <opencv2/features2d.hpp>
#endif

#include "twinpatch/engine/engine.hpp"

/// A network as OpenCV's descriptor. It must be siamese, so that a patch has the same descriptor on either side.
class TwinpatchDescriptor : public cv::Feature2D {
 public:
  explicit TwinpatchDescriptor(std::shared_ptr<twinpatch::Engine> engine) : engine_(std::move(engine)) {}

  int descriptorSize() const override { return static_cast<int>(engine_->descriptor_size()); }
  int descriptorType() const override { return CV_32F; }
  int defaultNorm() const override { return cv::NORM_L2; }  // of siam-l2 and similar; learned scores have no norm
  cv::String getDefaultName() const override { return "TwinpatchDescriptor"; }
  /// Keypoints of any detector whose size is 2σ (SIFT); row j belongs to keypoint j. Drops those outside the
  /// image or without a size, as OpenCV does.
  void compute(cv::InputArray image, std::vector<cv::KeyPoint>& keypoints, cv::OutputArray descriptors) override;
  using cv::Feature2D::compute;

 private:
  std::shared_ptr<twinpatch::Engine> engine_;
};

/// Compares such descriptors with the network's decision part. DMatch::distance is the negated score: smaller is more
/// similar. Use a ratio test only if the network's score is a distance. OpenCV's radiusMatch takes only positive
/// limits, so it cannot ask for a learned score above zero.
class TwinpatchMatcher : public cv::DescriptorMatcher {
 public:
  explicit TwinpatchMatcher(std::shared_ptr<twinpatch::Engine> engine) : engine_(std::move(engine)) {}

  bool isMaskSupported() const override { return false; }
  cv::Ptr<cv::DescriptorMatcher> clone(bool empty_train_data = false) const override;

 protected:
  void knnMatchImpl(cv::InputArray query, std::vector<std::vector<cv::DMatch>>& matches, int k,
                    cv::InputArrayOfArrays masks, bool compact) override;
  void radiusMatchImpl(cv::InputArray query, std::vector<std::vector<cv::DMatch>>& matches, float max_distance,
                       cv::InputArrayOfArrays masks, bool compact) override;

 private:
  std::shared_ptr<twinpatch::Engine> engine_;
};
