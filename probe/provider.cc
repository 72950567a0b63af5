#include "probe/provider.h"

#include <libpsl.h>

#include "probe/network.h"

namespace verifyd {

std::string ProviderOf(const std::string& host) {
  if (IsIpAddress(host)) return host;
  const char* const domain = psl_registrable_domain(psl_builtin(), host.c_str());
  return domain != nullptr ? domain : host;
}

}  // namespace verifyd
