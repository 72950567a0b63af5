// A refusal as the control socket shows it. Texts are views of what is shown.
//
// Thread: any (a value).
#ifndef VERIFYD_VERIFYD_HISTORY_SHOWN_REFUSAL_H_
#define VERIFYD_VERIFYD_HISTORY_SHOWN_REFUSAL_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "verifyd/json/described.h"
#include "verifyd/json/shown_verdict.h"

namespace verifyd {

struct ShownRefusal {
  absl::string_view id;
  absl::Time when = absl::InfinitePast();
  absl::string_view action;
  std::string subject;  // whose address was refused
  std::string client_address;
  std::string helo_name;
  std::string sasl_username;
  Always<std::string> sender;  // empty: the null sender
  std::string recipient;
  std::string queue_id;
  std::string instance;
  // The reply to the client.
  Sparse<int> code;
  std::string dsn;
  std::string said;
  absl::string_view why;
  absl::string_view restriction;
  std::optional<ShownFinding> finding;
  // The last dialogue about the subject, where it is still there, and when it ended.
  absl::Time asked = absl::InfinitePast();
  std::optional<ShownDialogue> transcript;
};
BOOST_DESCRIBE_STRUCT(ShownRefusal, (),
                      (id, when, action, subject, client_address, helo_name, sasl_username, sender, recipient, queue_id,
                       instance, code, dsn, said, why, restriction, finding, asked, transcript))

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_HISTORY_SHOWN_REFUSAL_H_
