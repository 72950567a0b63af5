// Postfix's own verify(8) as a source (mail/source.h): for addresses whose transport we can not ask ourselves, and it
// can (verify: in the tables of transports). The prober, which finds their route, refers them.
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_STOCK_SOURCE_H_
#define VERIFYD_PROBE_STOCK_SOURCE_H_

#include <memory>
#include <utility>

#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "classifier/classifier.h"
#include "mail/source.h"
#include "probe/alarms.h"
#include "stream/dialer.h"

namespace verifyd {

class StockSource final : public Source {
 public:
  // Both outlive it.
  StockSource(Loop& front, Alarms& alarms);

  // Before the first question, and after a reload; what is asked goes on with what it began with.
  void Configure(std::shared_ptr<const Classifier> classifier) { classifier_ = std::move(classifier); }

  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted) override;

 private:
  const std::unique_ptr<Dialer> dialer_;
  Alarms& alarms_;
  std::shared_ptr<const Classifier> classifier_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_STOCK_SOURCE_H_
