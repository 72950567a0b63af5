// Tells whether a domain could take mail at all: it has an MX, or an address (reject_unknown_sender_domain in
// postconf(5)). Cheaper than its mail hosts (dns/mail_hosts.h): the addresses of the MX hosts are not asked for.
//
// Thread: the front loop only.
#ifndef VERIFYD_DNS_MAIL_DOMAIN_H_
#define VERIFYD_DNS_MAIL_DOMAIN_H_

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "boost/asio/awaitable.hpp"
#include "dns/resolver.h"

namespace verifyd {

enum class MailDomain : uint8_t {
  kExists,
  kNone,       // no MX and no address, or no such domain
  kNullMx,     // RFC 7505
  kMalformed,  // an MX whose name no host can have
  kTemporary,  // nothing definite could be found out
};

boost::asio::awaitable<MailDomain> LookUpMailDomain(Resolver& resolver, std::string domain, MonoTime deadline);

}  // namespace verifyd

#endif  // VERIFYD_DNS_MAIL_DOMAIN_H_
