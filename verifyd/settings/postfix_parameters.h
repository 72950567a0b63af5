// The names of Postfix's parameters: those of Postfix 3.7 as `postconf -d` lists them and those that came later, in
// postfix_parameters.txt, and those that each transport of master.cf has (NAME_destination_concurrency_limit, ...).
//
// Thread: any.
#ifndef VERIFYD_VERIFYD_SETTINGS_POSTFIX_PARAMETERS_H_
#define VERIFYD_VERIFYD_SETTINGS_POSTFIX_PARAMETERS_H_

#include "absl/strings/string_view.h"

namespace verifyd {

// Whether Postfix itself has the name.
bool IsPostfixParameter(absl::string_view name);
// Whether the name is that of a parameter of some transport, whatever the transport is called.
bool IsTransportParameter(absl::string_view name);

// Returns postfix_parameters.txt, as it was when this was built.
absl::string_view PostfixParameterNames();

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_POSTFIX_PARAMETERS_H_
