// A delivery as the control socket takes it. Texts are views of what is shown.
//
// Thread: any (a value, a pure function).
#ifndef VERIFYD_VERIFYD_JSON_SHOWN_DELIVERY_H_
#define VERIFYD_VERIFYD_JSON_SHOWN_DELIVERY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "mail/delivery.h"
#include "verifyd/json/described.h"

namespace verifyd {

struct ShownDelivery {
  std::string address;
  absl::Time when = absl::InfinitePast();
  absl::string_view relay;
  absl::string_view relay_address;
  Sparse<uint16_t> relay_port;
  absl::string_view protocol;  // smtp, lmtp
  std::string reply;
};
BOOST_DESCRIBE_STRUCT(ShownDelivery, (), (address, when, relay, relay_address, relay_port, protocol, reply))

ShownDelivery Shown(const Delivery& delivery);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_JSON_SHOWN_DELIVERY_H_
