#include "verifyd/json/shown_delivery.h"

#include <cstddef>

namespace verifyd {
namespace {

// The longest reply: as much as a log has.
constexpr size_t kLongestReply = 4096;

}  // namespace

ShownDelivery Shown(const Delivery& delivery) {
  return {.address = delivery.address.Key(),
          .when = delivery.when,
          .relay = delivery.relay,
          .relay_address = delivery.relay_address,
          .relay_port = delivery.relay_port,
          .protocol = delivery.lmtp ? "lmtp" : "smtp",
          .reply = delivery.reply.ToLine(kLongestReply)};
}

}  // namespace verifyd
