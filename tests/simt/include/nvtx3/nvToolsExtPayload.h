// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "nvtx3/nvToolsExt.h"

constexpr std::int32_t NVTX_PAYLOAD_TYPE_EXT = static_cast<std::int32_t>(0xDFBD0009);
constexpr std::uint64_t NVTX_PAYLOAD_SCHEMA_ID_STATIC_START = 1 << 24;
enum {
  NVTX_PAYLOAD_ENTRY_TYPE_INT64 = 17,
  NVTX_PAYLOAD_SCHEMA_TYPE_STATIC = 1,
  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME = 1 << 1,
  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE = 1 << 2,
  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES = 1 << 4,
  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES = 1 << 5,
  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE = 1 << 6,
  NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID = 1 << 8
};
#define NVTX_POINTER_AS_PAYLOAD_ULLVALUE(pointer) reinterpret_cast<std::uint64_t>(pointer)

struct nvtxPayloadSchemaEntry_t {
  std::uint64_t flags;
  std::uint64_t type;
  const char* name;
  const char* description;
  std::uint64_t arrayOrUnionDetail;
  std::uint64_t offset;
  void* semantics;
  void* reserved;
};
struct nvtxPayloadSchemaAttr_t {
  std::uint64_t fieldMask;
  const char* name;
  std::uint64_t type;
  std::uint64_t flags;
  const nvtxPayloadSchemaEntry_t* entries;
  std::size_t numEntries;
  std::size_t payloadStaticSize;
  std::size_t packAlign;
  std::uint64_t schemaId;
  void* extension;
};
struct nvtxPayloadData_t {
  std::uint64_t schemaId;
  std::size_t size;
  const void* payload;
};

std::uint64_t nvtxPayloadSchemaRegister(nvtxDomainHandle_t domain, const nvtxPayloadSchemaAttr_t* schema);
