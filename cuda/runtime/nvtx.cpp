// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include "runtime/nvtx.hpp"

#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>
#include <nvtx3/nvToolsExtCudaRt.h>
#include <nvtx3/nvToolsExtPayload.h>
#include <pthread.h>
#include <unistd.h>

#include <sys/syscall.h>
#include <string>

namespace twinpatch::cuda {
namespace {

constexpr int kStages = 5;
constexpr const char* kStageNames[kStages] = {"read", "copy", "compute", "select", "write"};
constexpr std::uint32_t kColours[kStages] = {0xFF7F8C8D, 0xFF2980B9, 0xFF27AE60, 0xFFE67E22, 0xFF8E44AD};

constexpr std::uint64_t kAmountSchema = NVTX_PAYLOAD_SCHEMA_ID_STATIC_START + 1;

/// The domain with its categories and the layout of Amount: made at first use, kept to the end of the process, when
/// tools still look at it.
nvtxDomainHandle_t domain() noexcept {
  static const nvtxDomainHandle_t kDomain = [] {
    const nvtxDomainHandle_t made = nvtxDomainCreateA("twinpatch");
    for (int stage = 0; stage < kStages; ++stage) {
      nvtxDomainNameCategoryA(made, static_cast<std::uint32_t>(stage + 1), kStageNames[stage]);
    }
    static const nvtxPayloadSchemaEntry_t kEntries[] = {
        {0, NVTX_PAYLOAD_ENTRY_TYPE_INT64, "pairs", nullptr, 0, offsetof(Amount, pairs), nullptr, nullptr},
        {0, NVTX_PAYLOAD_ENTRY_TYPE_INT64, "bytes", nullptr, 0, offsetof(Amount, bytes), nullptr, nullptr}};
    nvtxPayloadSchemaAttr_t schema = {};
    schema.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES |
                       NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID;
    schema.name = "amount";
    schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
    schema.entries = kEntries;
    schema.numEntries = std::size(kEntries);
    schema.payloadStaticSize = sizeof(Amount);
    schema.schemaId = kAmountSchema;
    (void)nvtxPayloadSchemaRegister(made, &schema);
    return made;
  }();
  return kDomain;
}

}  // namespace

const char* to_string(Stage stage) noexcept { return kStageNames[static_cast<int>(stage)]; }

RangeName::RangeName(Stage stage, const char* name) noexcept
    : stage_(stage), registered_(nvtxDomainRegisterStringA(domain(), name)) {}

Range::Range(const RangeName& name, const Amount& amount) noexcept {
  nvtxEventAttributes_t event = {};
  event.version = NVTX_VERSION;
  event.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
  event.category = static_cast<std::uint32_t>(name.stage_) + 1;
  event.colorType = NVTX_COLOR_ARGB;
  event.color = kColours[static_cast<int>(name.stage_)];
  event.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
  event.message.registered = static_cast<nvtxStringHandle_t>(name.registered_);
  nvtxPayloadData_t payload = {kAmountSchema, sizeof(Amount), &amount};
  event.payloadType = NVTX_PAYLOAD_TYPE_EXT;
  event.reserved0 = 1;  // one payload, as NVTX_PAYLOAD_EVTATTR_SET_DATA has it
  event.payload.ullValue = NVTX_POINTER_AS_PAYLOAD_ULLVALUE(&payload);
  (void)nvtxDomainRangePushEx(domain(), &event);
}

Range::~Range() { (void)nvtxDomainRangePop(domain()); }

void name_stream(cudaStream_t stream, const char* name) noexcept { nvtxNameCudaStreamA(stream, name); }

void name_this_thread(const char* name) noexcept {
  nvtxNameOsThreadA(static_cast<std::uint32_t>(syscall(SYS_gettid)), name);
  char short_name[16] = {};  // the kernel's limit, terminator included
  for (int i = 0; i < 15 && name[i] != '\0'; ++i) short_name[i] = name[i];
  (void)pthread_setname_np(pthread_self(), short_name);
}

void WarmProfile::next_batch() noexcept {
  if (!enabled_ || started_ || ++batches_ < kWarmBatch) return;
  started_ = true;
  (void)cudaProfilerStart();
}

WarmProfile::~WarmProfile() {
  if (started_) (void)cudaProfilerStop();
}

}  // namespace twinpatch::cuda
