// Takes an answer of the api apart: objects go to the verb, errors to the operator.
#ifndef VERIFYD_VERIFYCTL_ANSWER_H_
#define VERIFYD_VERIFYCTL_ANSWER_H_

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "boost/json/fwd.hpp"
#include "verifyctl/asker.h"
#include "verifyctl/console.h"

namespace verifyd {

// Calls `take` with each line of a good answer, as it came and parsed. Returns 0. After an error it says on console.err
// what is wrong and returns the exit code: kExitNotCached for 404, kExitBadAddress for 400, kExitUnavailable for 503,
// kExitProtocol for text that is no answer, and those of asker's errors.
int Answer(Asker& asker, const ApiRequest& request, Console& console,
           absl::FunctionRef<void(absl::string_view line, const boost::json::object& object)> take);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_ANSWER_H_
