// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

// The part of NVTX 3 that twinpatch uses; ranges are kept for tests to read: simt::nvtx_ranges().

constexpr std::uint16_t NVTX_VERSION = 3;
enum { NVTX_COLOR_ARGB = 1, NVTX_MESSAGE_TYPE_REGISTERED = 3 };

struct nvtxDomainRegistration_st;
struct nvtxStringRegistration_st;
using nvtxDomainHandle_t = nvtxDomainRegistration_st*;
using nvtxStringHandle_t = nvtxStringRegistration_st*;

struct nvtxEventAttributes_t {
  std::uint16_t version;
  std::uint16_t size;
  std::uint32_t category;
  std::int32_t colorType;
  std::uint32_t color;
  std::int32_t payloadType;
  std::int32_t reserved0;
  union {
    std::uint64_t ullValue;
    std::int64_t llValue;
  } payload;
  std::int32_t messageType;
  union {
    const char* ascii;
    nvtxStringHandle_t registered;
  } message;
};
constexpr std::uint16_t NVTX_EVENT_ATTRIB_STRUCT_SIZE = sizeof(nvtxEventAttributes_t);

nvtxDomainHandle_t nvtxDomainCreateA(const char* name);
nvtxStringHandle_t nvtxDomainRegisterStringA(nvtxDomainHandle_t domain, const char* text);
void nvtxDomainNameCategoryA(nvtxDomainHandle_t domain, std::uint32_t category, const char* name);
int nvtxDomainRangePushEx(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* event);
int nvtxDomainRangePop(nvtxDomainHandle_t domain);
void nvtxNameOsThreadA(std::uint32_t thread, const char* name);
