// Postfix's own verify(8) as a source (mail/source.h). It serves addresses whose transport we can not ask ourselves,
// but verify(8) can (verify: in the tables of transports). The prober, which finds their route, refers them.
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
  // Both must outlive the source.
  StockSource(Loop& front, Alarms& alarms);

  // Call it before the first question, and after a reload; questions under way keep what they began with.
  void Configure(std::shared_ptr<const Classifier> classifier) { classifier_ = std::move(classifier); }

  boost::asio::awaitable<void> Begin(ProbeRequest request, Answer answer, Accepted accepted) override;

 private:
  const std::unique_ptr<Dialer> dialer_;
  Alarms& alarms_;
  std::shared_ptr<const Classifier> classifier_;
};

}  // namespace verifyd

#endif  // VERIFYD_PROBE_STOCK_SOURCE_H_
