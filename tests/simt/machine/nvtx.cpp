// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExtCudaRt.h>
#include <nvtx3/nvToolsExtPayload.h>

#include <cstring>
#include <list>
#include <map>

#include "machine.hpp"

struct nvtxDomainRegistration_st {
  std::string name;
  std::map<std::uint32_t, std::string> categories;
  std::map<std::uint64_t, std::size_t> schemas;  ///< id → bytes
};
struct nvtxStringRegistration_st {
  std::string text;
};

namespace {

/// As a tool would, for the life of the process.
std::list<nvtxDomainRegistration_st>& domains() {
  static auto* kept = new std::list<nvtxDomainRegistration_st>;
  return *kept;
}
std::list<nvtxStringRegistration_st>& strings() {
  static auto* kept = new std::list<nvtxStringRegistration_st>;
  return *kept;
}

thread_local std::vector<std::size_t> open_ranges;

}  // namespace

nvtxDomainHandle_t nvtxDomainCreateA(const char* name) {
  const std::lock_guard guard(simt::state().lock);
  return &domains().emplace_back(nvtxDomainRegistration_st{name, {}, {}});
}

nvtxStringHandle_t nvtxDomainRegisterStringA(nvtxDomainHandle_t, const char* text) {
  const std::lock_guard guard(simt::state().lock);
  return &strings().emplace_back(nvtxStringRegistration_st{text});
}

void nvtxDomainNameCategoryA(nvtxDomainHandle_t domain, std::uint32_t category, const char* name) {
  domain->categories[category] = name;
}

std::uint64_t nvtxPayloadSchemaRegister(nvtxDomainHandle_t domain, const nvtxPayloadSchemaAttr_t* schema) {
  domain->schemas[schema->schemaId] = schema->payloadStaticSize;
  return schema->schemaId;
}

int nvtxDomainRangePushEx(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* event) {
  simt::State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  simt::NvtxRange range;
  range.domain = domain->name;
  range.category = domain->categories[event->category];
  if (event->messageType == NVTX_MESSAGE_TYPE_REGISTERED) range.name = event->message.registered->text;
  if (event->payloadType == NVTX_PAYLOAD_TYPE_EXT && event->reserved0 == 1) {
    const auto* data = reinterpret_cast<const nvtxPayloadData_t*>(event->payload.ullValue);
    std::int64_t amount[2] = {};
    const auto schema = domain->schemas.find(data->schemaId);
    if (schema != domain->schemas.end() && schema->second == data->size && data->size == sizeof amount) {
      std::memcpy(amount, data->payload, sizeof amount);
    }
    range.pairs = amount[0];
    range.bytes = amount[1];
  }
  open_ranges.push_back(machine.ranges.size());
  machine.ranges.push_back(range);
  return static_cast<int>(open_ranges.size()) - 1;
}

int nvtxDomainRangePop(nvtxDomainHandle_t) {
  simt::State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  if (open_ranges.empty()) return -1;
  if (open_ranges.back() < machine.ranges.size()) machine.ranges[open_ranges.back()].closed = true;
  open_ranges.pop_back();
  return static_cast<int>(open_ranges.size());
}

void nvtxNameOsThreadA(std::uint32_t, const char*) {}

void nvtxNameCudaStreamA(cudaStream_t stream, const char* name) {
  simt::State& machine = simt::state();
  const std::lock_guard guard(machine.lock);
  if (is_stream(machine, stream)) stream->name = name;
}

cudaError_t cudaProfilerStart() {
  simt::state().profiling = true;
  return cudaSuccess;
}
cudaError_t cudaProfilerStop() {
  simt::state().profiling = false;
  return cudaSuccess;
}

namespace simt {

std::vector<NvtxRange> nvtx_ranges() {
  const std::lock_guard guard(state().lock);
  return state().ranges;
}
bool profiling() { return state().profiling; }

}  // namespace simt
