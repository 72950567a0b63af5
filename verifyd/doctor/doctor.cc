#include "verifyd/doctor/doctor.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "base/gather.h"
#include "base/network.h"
#include "verifyd/doctor/dns_examination.h"
#include "verifyd/doctor/domain_examination.h"
#include "verifyd/doctor/settings_examination.h"
#include "verifyd/doctor/smtp_examination.h"

namespace verifyd {
namespace {

// Returns the address from which the system would send to `somebody`; empty: it can not. Nothing is sent.
std::string AddressTowards(const char* somebody, int family) {
  const int descriptor = ::socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return "";
  sockaddr_storage address = {};
  address.ss_family = static_cast<sa_family_t>(family);
  const bool ipv4 = family == AF_INET;
  void* const bits = ipv4 ? static_cast<void*>(&reinterpret_cast<sockaddr_in*>(&address)->sin_addr)
                          : static_cast<void*>(&reinterpret_cast<sockaddr_in6*>(&address)->sin6_addr);
  inet_pton(family, somebody, bits);
  (ipv4 ? reinterpret_cast<sockaddr_in*>(&address)->sin_port : reinterpret_cast<sockaddr_in6*>(&address)->sin6_port) =
      htons(25);
  socklen_t size = ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  std::array<char, INET6_ADDRSTRLEN> text = {};
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), size) == 0 &&
      ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    inet_ntop(family, bits, text.data(), text.size());
  }
  ::close(descriptor);
  return text.data();
}

boost::asio::awaitable<Examinations> Alone(Examination examination) { co_return Examinations{std::move(examination)}; }

}  // namespace

void FindAddresses(const ProbeSettings& settings, DoctorQuestion& question) {
  std::vector<std::string> found = settings.bind_addresses;
  found.insert(found.end(), settings.bind_addresses6.begin(), settings.bind_addresses6.end());
  // Any address of the Internet will do: these are two root name servers'.
  if (settings.families.ipv4 && settings.bind_addresses.empty()) found.push_back(AddressTowards("198.41.0.4", AF_INET));
  if (settings.families.ipv6 && settings.bind_addresses6.empty()) {
    found.push_back(AddressTowards("2001:503:ba3e::2:30", AF_INET6));
  }
  for (std::string& address : found) {
    if (address.empty()) continue;
    (IsBogusAddress(address) ? question.inner_addresses : question.addresses).push_back(std::move(address));
  }
}

boost::asio::awaitable<Examinations> ExamineAll(Loop& loop, Resolver& resolver, Dialer& dialer,
                                                const Configuration& configuration, DoctorQuestion question) {
  const MonoTime now = loop.clock().Mono();
  const DoctorContext context{.loop = loop,
                              .resolver = resolver,
                              .dialer = dialer,
                              .configuration = configuration,
                              .question = std::move(question),
                              .dns_deadline = now + DoctorContext::kDnsPatience,
                              .smtp_deadline = now + DoctorContext::kSmtpPatience,
                              .now = loop.clock().Now()};
  std::vector<boost::asio::awaitable<Examinations>> tasks;
  tasks.push_back(ExamineHelo(context));
  tasks.push_back(ExaminePtr(context));
  tasks.push_back(ExamineSpf(context));
  tasks.push_back(ExamineSender(context));
  tasks.push_back(ExamineBlocklists(context));
  tasks.push_back(ExaminePort25(context));
  tasks.push_back(ExamineResolver(context));
  tasks.push_back(Alone(ExamineClock(context.now, context.question.clock_synchronised)));
  tasks.push_back(Alone(ExamineVerifyDomains(configuration)));
  tasks.push_back(ExamineDomains(context));
  tasks.push_back(Alone(ExamineRejectCode(configuration, context.question.refusals)));
  Examinations all;
  for (Examinations& some : co_await Gather(loop, std::move(tasks))) {
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  }
  for (const Examination& examination : context.question.house) all.push_back(examination);
  co_return all;
}

}  // namespace verifyd
