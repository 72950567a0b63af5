// Spellings: addresses that differ in the case of the letters A to Z of their local parts only. Servers may tell them
// apart (RFC 5321 section 2.4), people do not: what the operator says of one is meant of all.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_SPELLING_H_
#define VERIFYD_CACHE_SPELLING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// The spelling that stands for all of them: in small letters.
std::string FoldedKey(absl::string_view key);

// The first spelling of `folded`, in the order of bytes, that is behind `after` (empty: the first of all); empty where
// there is none. So a walk of a sorted table leaps over what is no spelling.
std::string NextSpelling(absl::string_view folded, absl::string_view after);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_SPELLING_H_
