// A member of a class whose functions belong to the thread of one loop. In debug builds and under the sanitizers it
// checks that they are called there; in release builds it is empty, and a check is nothing.
//
// While no thread runs the loop, before its first turn and after its last, any one thread may use what belongs to it.
//
// Thread: any.
#ifndef VERIFYD_BASE_LOOP_BOUND_H_
#define VERIFYD_BASE_LOOP_BOUND_H_

#include "absl/strings/string_view.h"
#include "base/loop.h"

namespace verifyd {

#if !defined(NDEBUG) || defined(VERIFYD_SANITIZED)

class LoopBound {
 public:
  static constexpr bool kChecks = true;

  // The loop must outlive it.
  explicit LoopBound(const Loop& loop) : loop_(loop) {}
  // Ends the program with a message that names the caller, where another thread runs the loop.
  void Check(absl::string_view caller = __builtin_FUNCTION(), absl::string_view file = __builtin_FILE()) const {
    if (!loop_.IsHere()) Fail(caller, file);
  }

 private:
  [[noreturn]] static void Fail(absl::string_view caller, absl::string_view file);
  const Loop& loop_;
};

#else

class LoopBound {
 public:
  static constexpr bool kChecks = false;

  explicit LoopBound(const Loop& /*loop*/) {}
  void Check(absl::string_view /*caller*/ = {}, absl::string_view /*file*/ = {}) const {}
};

#endif

}  // namespace verifyd

#endif  // VERIFYD_BASE_LOOP_BOUND_H_
