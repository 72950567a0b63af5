#include "mail/verdict.h"

namespace verifyd {

absl::string_view VerdictSourceName(VerdictSource source) {
  switch (source) {
    case VerdictSource::kNothing:
      return "none";
    case VerdictSource::kPin:
      return "pin";
    case VerdictSource::kDomainFact:
      return "domain";
    case VerdictSource::kRecord:
      return "cache";
    case VerdictSource::kProbe:
      return "probe";
  }
  return "none";
}

}  // namespace verifyd
