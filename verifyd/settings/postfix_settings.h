// The settings of Postfix (postfix_config_directory), so that nothing need be said twice: the values of a closed list
// of parameters, and the transports of master.cf that speak SMTP or LMTP. We ask postconf(1), so that all expansions
// and defaults are Postfix's own.
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

// The value that Postfix has for a setting of ours. It is expanded; a dollar that is left stands twice, as it is
// written in a settings file. `where` is "DIR/main.cf:LINE", kDefaultOfPostfix, or names the -o of master.cf.
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
  // Its -o by our names: lmtp(8)'s lmtp_tls_security_level is smtp_tls_security_level here. Those for which we have no
  // name are left out.
  std::vector<PostfixValue> options;
  friend bool operator==(const PostfixTransport&, const PostfixTransport&) = default;
};

struct PostfixSettings {
  std::string directory;
  std::vector<PostfixValue> values;
  std::vector<PostfixTransport> transports;
  // The values of lmtp_... by the names of smtp_..., as in PostfixTransport: those that main.cf sets by either name,
  // and that of TLS, which lmtp(8) does not use by default.
  std::vector<PostfixValue> lmtp;
  std::vector<std::string> warnings;

  static constexpr absl::string_view kDefaultOfPostfix = "default of Postfix";
};

// Returns the output of `postconf ARGUMENTS`.
using AskPostconf = std::function<absl::StatusOr<std::string>(const std::vector<std::string>& arguments)>;
// Asks the postconf that is installed (in /usr/sbin or wherever else Postfix is put).
absl::StatusOr<std::string> AskInstalledPostconf(const std::vector<std::string>& arguments);

// The source of the values of Postfix, and the values that hold while it gives none.
struct PostfixSource {
  AskPostconf ask = AskInstalledPostconf;
  std::shared_ptr<const PostfixSettings> before = nullptr;
};

// Error: main.cf can not be had; it says what postconf said, and what can be done. Where only master.cf can not be
// had, that is a warning.
absl::StatusOr<PostfixSettings> ReadPostfixSettings(const std::string& directory, const AskPostconf& ask);

// Whether the setting is taken from Postfix where verifyd.cf does not set it.
bool IsTakenFromPostfix(Setting setting);

}  // namespace verifyd

#endif  // VERIFYD_VERIFYD_SETTINGS_POSTFIX_SETTINGS_H_
