// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/string.h>

#include <exception>

#include "bindings.hpp"

#include "twinpatch/backend/backend.hpp"
#include "twinpatch/core/error.hpp"

namespace twinpatch::python {
namespace {

namespace nb = nanobind;

/// The class of twinpatch._errors that stands for a C++ exception; the derived ones come first.
const char* class_name(const Error& error) {
  if (dynamic_cast<const ShapeError*>(&error) != nullptr) return "ShapeError";
  if (dynamic_cast<const InvalidArgument*>(&error) != nullptr) return "InvalidArgument";
  if (dynamic_cast<const IoError*>(&error) != nullptr) return "IoError";
  if (dynamic_cast<const FormatError*>(&error) != nullptr) return "FormatError";
  if (dynamic_cast<const OutOfMemory*>(&error) != nullptr) return "OutOfMemory";
  if (dynamic_cast<const DeviceError*>(&error) != nullptr) return "DeviceError";
  if (dynamic_cast<const NotFinite*>(&error) != nullptr) return "NotFinite";
  if (dynamic_cast<const Interrupted*>(&error) != nullptr) return "Interrupted";
  return "Error";
}

nb::object python_exception(const Error& error) {
  const nb::object type = nb::module_::import_("twinpatch._errors").attr(class_name(error));
  nb::object exception = type(error.what());
  if (const auto* format = dynamic_cast<const FormatError*>(&error)) {
    exception.attr("path") = format->path();
    exception.attr("offset") = format->offset();
  } else if (const auto* value = dynamic_cast<const NotFinite*>(&error)) {
    exception.attr("index") = value->index();
    exception.attr("pair") = nb::make_tuple(value->pair().left, value->pair().right);
  }
  return exception;
}

void translate(const std::exception_ptr& thrown, void* /*unused*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    try {
      const nb::object exception = python_exception(error);
      PyErr_SetObject(exception.type().ptr(), exception.ptr());
    } catch (nb::python_error& failed) {
      failed.restore();
    }
  }
}

}  // namespace

void bind_errors() { nb::register_exception_translator(&translate); }

}  // namespace twinpatch::python
