// Asks Postfix's own verify(8) about an address that we can not ask about ourselves (Postfix's local and virtual
// delivery agents know their users). verify(8) answers from its cache, or sends a probe through its queue and says "not
// yet".
//
// Thread: the front loop only.
#ifndef VERIFYD_PROBE_STOCK_VERIFY_H_
#define VERIFYD_PROBE_STOCK_VERIFY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/loop.h"
#include "boost/asio/awaitable.hpp"
#include "classifier/classifier.h"
#include "mail/address.h"
#include "mail/finding.h"
#include "stream/dialer.h"

namespace verifyd {

inline constexpr absl::Duration kStockVerifyPollDelay = absl::Seconds(1);

// Asks the service at `path` until it knows, or until `deadline`. `classifier` judges its words like those of a server:
// its "undeliverable" may be about us. Error, which names the path: it can not be asked. The referenced values must
// live until it returns.
boost::asio::awaitable<absl::StatusOr<Finding>> AskStockVerify(Loop& loop, Dialer& dialer, const Classifier& classifier,
                                                               std::string path, const Address& address,
                                                               MonoTime deadline);

}  // namespace verifyd

#endif  // VERIFYD_PROBE_STOCK_VERIFY_H_
