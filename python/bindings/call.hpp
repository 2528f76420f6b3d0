// SPDX-FileCopyrightText: 2026 The twinpatch authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

#include <exception>
#include <functional>
#include <future>
#include <optional>
#include <stop_token>
#include <thread>
#include <type_traits>

#include "progress.hpp"

namespace twinpatch::python {

/// Calls `work(control)` without the interpreter's lock and returns its result. The work has a thread of its own, so
/// that this one can listen to Ctrl-C and hand progress to `callback` (None: nobody) ten times a second. Where either
/// raises an exception the work is stopped at its next clean point, and the exception goes on.
template <class Work>
auto run_interruptibly(nanobind::object callback, Work&& work) {
  namespace nb = nanobind;
  std::stop_source stop;
  Mailbox mailbox;
  std::optional<nb::python_error> raised;
  auto task = std::packaged_task<std::invoke_result_t<Work, RunControl>()>(
      [&] { return work(RunControl{.stop = stop.get_token(), .progress = callback.is_none() ? nullptr : &mailbox}); });
  auto result = task.get_future();
  {
    const nb::gil_scoped_release release;
    const std::jthread worker(std::ref(task));
    while (result.wait_for(kListenEvery) != std::future_status::ready) {
      if (raised) continue;  // it ends soon
      const nb::gil_scoped_acquire acquire;
      try {
        if (PyErr_CheckSignals() != 0) throw nb::python_error();
        mailbox.deliver(callback);
      } catch (nb::python_error& error) {
        raised.emplace(std::move(error));
        stop.request_stop();
      }
    }
  }
  if (raised) throw std::move(*raised);
  mailbox.deliver(callback);
  return result.get();
}

}  // namespace twinpatch::python
