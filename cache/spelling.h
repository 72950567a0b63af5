// Spellings: addresses that differ only in the case of the letters A to Z of their local parts. Servers may tell them
// apart (RFC 5321 section 2.4), people do not: what the operator says of one applies to all.
//
// Thread: any (pure functions).
#ifndef VERIFYD_CACHE_SPELLING_H_
#define VERIFYD_CACHE_SPELLING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace verifyd {

// Returns the spelling that stands for all of them: in small letters.
std::string FoldedKey(absl::string_view key);

// Returns the first spelling of `folded`, in the order of bytes, after `after` (empty: the first of all); empty where
// there is none. With it a walk of a sorted table leaps over other keys.
std::string NextSpelling(absl::string_view folded, absl::string_view after);

}  // namespace verifyd

#endif  // VERIFYD_CACHE_SPELLING_H_
