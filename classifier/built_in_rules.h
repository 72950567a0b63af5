// The text of classifier/rules.txt at build time (classifier/embed_rules.cmake makes the source).
//
// Thread: any (constant data).
#ifndef VERIFYD_CLASSIFIER_BUILT_IN_RULES_H_
#define VERIFYD_CLASSIFIER_BUILT_IN_RULES_H_

#include "absl/strings/string_view.h"

namespace verifyd {

absl::string_view BuiltInRules();

}  // namespace verifyd

#endif  // VERIFYD_CLASSIFIER_BUILT_IN_RULES_H_
