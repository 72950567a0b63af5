#include "base/loop_bound.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_cat.h"

namespace verifyd {

#if !defined(NDEBUG) || defined(VERIFYD_SANITIZED)

void LoopBound::Fail(absl::string_view caller, absl::string_view file) {
  // The log may belong to another thread, too.
  std::cerr << absl::StrCat("verifyd: a bug: ", caller, " (", file, ") was called outside of its loop's thread\n");
  std::abort();
}

#endif

}  // namespace verifyd
