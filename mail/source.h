// A source: where a finding can come from besides memory. The prober (probe/prober.h), which asks the mail servers, is
// one; Postfix's own verify(8) (probe/stock_source.h) is another. The verifier knows a list of them and no more.
//
// Thread: the front loop only.
#ifndef VERIFYD_MAIL_SOURCE_H_
#define VERIFYD_MAIL_SOURCE_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "mail/finding.h"
#include "mail/probe_outcome.h"
#include "mail/probe_request.h"

namespace verifyd {

class Source {
 public:
  // The loop must outlive the source.
  explicit Source(Loop& loop) : loop_(loop) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Finds out about request.address. Ends when the question is on its way, or nobody is to be asked. `answer` is called
  // once, with the request as it was given: by request.deadline at the latest, perhaps before Begin ends. A source that
  // is not the one to ask says so (ProbeOutcome::not_mine), and may tell who is (ProbeRequest::referral). An answer
  // that is destroyed and was not called says that the source has failed.
  using Answer = absl::AnyInvocable<void(ProbeRequest&& request, ProbeOutcome&& outcome)>;
  // Called before `answer`, at most once, where the address is accepted and it remains to be found out whether
  // everybody is. May be null.
  using Accepted = absl::AnyInvocable<void(const Finding& finding)>;
  virtual boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted) = 0;

  // Returns how many answers have come while the loop was busy.
  virtual size_t untaken() const { return 0; }

  // The same as Begin, for a coroutine that waits for the answer.
  boost::asio::awaitable<ProbeOutcome> Probe(ProbeRequest request);

 protected:
  Loop& loop() const { return loop_; }

 private:
  Loop& loop_;
};

// Several sources, asked in order until one says that it is the one to ask.
class SourceList final : public Source {
 public:
  // At least one; all outlive the list.
  SourceList(Loop& loop, std::vector<Source*> sources) : Source(loop), sources_(std::move(sources)) {}

  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted) override;
  size_t untaken() const override;

 private:
  boost::asio::awaitable<void> BeginAt(size_t place, ProbeRequest request, Answer answer, Accepted accepted);

  const std::vector<Source*> sources_;
};

}  // namespace verifyd

#endif  // VERIFYD_MAIL_SOURCE_H_
