// What Postfix says of itself (postfix_config_directory), so that it need not be said twice: the values of a closed
// list of parameters, and the transports of master.cf that speak SMTP or LMTP. It is postconf(1) that is asked, so that
// all expansions and defaults are Postfix's own.
//
// Thread: any that may wait for postconf (some 50 ms, 20 s at most).
#ifndef VERIFYD_VERIFYD_SETTINGS_POSTFIX_SETTINGS_H_
#define VERIFYD_VERIFYD_SETTINGS_POSTFIX_SETTINGS_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "verifyd/settings/setting.h"

namespace verifyd {

// What Postfix has for a setting of ours. Expanded; a dollar that is left stands twice, as it is written in a settings
// file. `where` is "DIR/main.cf:LINE", kDefaultOfPostfix, or which -o of master.cf.
struct PostfixValue {
  Setting setting;
  std::string value;
  std::string where;
  friend bool operator==(const PostfixValue&, const PostfixValue&) = default;
};

// A service of master.cf whose command is smtp(8) or lmtp(8).
struct PostfixTransport {
  std::string name;
  bool lmtp = false;
  // Its -o, by the names that we have: what lmtp(8) calls lmtp_tls_security_level is smtp_tls_security_level here. What
  // we have no name for is left out.
  std::vector<PostfixValue> options;
  friend bool operator==(const PostfixTransport&, const PostfixTransport&) = default;
};

struct PostfixSettings {
  std::string directory;
  std::vector<PostfixValue> values;
  std::vector<PostfixTransport> transports;
  // lmtp_... by the names of smtp_..., as in PostfixTransport: where main.cf sets one of the two, and TLS, which
  // lmtp(8) does not use by itself.
  std::vector<PostfixValue> lmtp;
  std::vector<std::string> warnings;

  static constexpr absl::string_view kDefaultOfPostfix = "default of Postfix";
};

// What `postconf ARGUMENTS` writes.
using AskPostconf = std::function<absl::StatusOr<std::string>(const std::vector<std::string>& arguments)>;
// Asks the one that is installed (in /usr/sbin or where else Postfix is put).
absl::StatusOr<std::string> AskInstalledPostconf(const std::vector<std::string>& arguments);

// Where the values of Postfix come from, and what holds while they can not be had.
struct PostfixSource {
  AskPostconf ask = AskInstalledPostconf;
  std::shared_ptr<const PostfixSettings> before = nullptr;
};

// Error when main.cf can not be had: it says what postconf said, and what can be done. That master.cf can not is a
// warning.
absl::StatusOr<PostfixSettings> ReadPostfixSettings(const std::string& directory, const AskPostconf& ask);

// Whether the setting is taken from Postfix where verifyd.cf does not have it.
bool IsTakenFromPostfix(Setting setting);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_POSTFIX_SETTINGS_H_
