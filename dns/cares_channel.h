// c-ares on a loop: it watches the sockets of c-ares and keeps its time-outs. Questions go in, the bytes of answers
// come out.
//
// On SERVFAIL, NOTIMP and REFUSED c-ares asks the next server, but when none is left it does not tell what they said;
// or else it hands over the first answer, whatever it is. So there are two kinds of channel.
//
// One UDP socket serves all questions that overlap, so under load its port, which an attacker has to guess, would stay
// the same for ever. The resolver therefore takes a fresh channel every so many questions.
//
// Thread: the loop's thread only; also destroyed there.
#ifndef VERIFYD_DNS_CARES_CHANNEL_H_
#define VERIFYD_DNS_CARES_CHANNEL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/loop.h"
#include "dns/answer.h"
#include "dns/resolver_settings.h"

namespace verifyd {

class CaresChannel {
 public:
  // The result of a question. kOk: an answer is in `message`, not yet parsed. Else there is none; with kBestAnswer
  // kTimeout may also mean that all servers failed.
  using Done = absl::AnyInvocable<void(DnsStatus status, std::string message)>;

  enum class Takes { kFirstAnswer, kBestAnswer };

  // See CaresResolver::CheckServers.
  static absl::Status CheckServers(const std::vector<std::string>& servers);
  static absl::StatusOr<std::unique_ptr<CaresChannel>> Create(Loop& loop, const ResolverSettings& settings,
                                                              Takes takes);
  // Gives up open questions; their `done` is destroyed without being called. Questions that are answered, and whose
  // `done` waits for its turn on the loop, are still called.
  ~CaresChannel();
  CaresChannel(const CaresChannel&) = delete;
  CaresChannel& operator=(const CaresChannel&) = delete;

  // Asks, with recursion and AD requested. `done` is always called from the loop, never from within Send or c-ares: a
  // question asked from within a completion would keep the socket open, and with it the port.
  void Send(const std::string& name, DnsType type, Done done);
  size_t servers() const;
  // Returns the number of questions that wait for their answer.
  size_t open() const;
  // Returns the number of questions asked since none were open, and therefore from one port.
  size_t asked_from_one_port() const;

 private:
  struct Impl;
  explicit CaresChannel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace verifyd

#endif  // VERIFYD_DNS_CARES_CHANNEL_H_
