// Returns early on a status that is not OK. Debian's Abseil lacks these macros.
#ifndef VERIFYD_BASE_STATUS_MACROS_H_
#define VERIFYD_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define VERIFYD_CONCAT_INNER(a, b) a##b
#define VERIFYD_CONCAT(a, b) VERIFYD_CONCAT_INNER(a, b)

// RETURN_IF_ERROR(DoIt());
#define RETURN_IF_ERROR(expression)                                                              \
  do {                                                                                           \
    if (absl::Status verifyd_status = (expression); !verifyd_status.ok()) return verifyd_status; \
  } while (false)

// ASSIGN_OR_RETURN(const Address address, Address::Parse(text));
// NOLINTBEGIN(bugprone-macro-parentheses): a declaration can not stand in parentheses.
#define ASSIGN_OR_RETURN(declaration, expression) \
  ASSIGN_OR_RETURN_INNER(VERIFYD_CONCAT(verifyd_status_or_, __LINE__), declaration, expression)
#define ASSIGN_OR_RETURN_INNER(variable, declaration, expression) \
  auto variable = (expression);                                   \
  if (!variable.ok()) return std::move(variable).status();        \
  declaration = *std::move(variable)
// NOLINTEND(bugprone-macro-parentheses)

#endif  // VERIFYD_BASE_STATUS_MACROS_H_
