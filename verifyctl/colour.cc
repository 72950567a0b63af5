#include "verifyctl/colour.h"

#include <unistd.h>

#include <cstddef>
#include <cstdlib>

#include "absl/strings/str_cat.h"

namespace verifyd {
namespace {

constexpr absl::string_view kGreen = "\033[32m";
constexpr absl::string_view kRed = "\033[31m";
constexpr absl::string_view kYellow = "\033[33m";
constexpr absl::string_view kPlain = "\033[0m";

absl::string_view ColourOf(absl::string_view status) {
  if (status == "deliverable" || status == "ok") return kGreen;
  if (status == "undeliverable" || status == "bad") return kRed;
  return kYellow;
}

}  // namespace

bool WantsColours(int descriptor) {
  const char* const no_colour = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || absl::string_view(terminal) == "dumb";
  return ::isatty(descriptor) != 0 && (no_colour == nullptr || *no_colour == '\0') && !dumb;
}

std::string Coloured(absl::string_view text, absl::string_view status) {
  const absl::string_view line = text.substr(0, text.find('\n'));
  const auto stands_alone = [&](size_t at) {
    const size_t end = at + status.size();
    return (at == 0 || line[at - 1] == ' ') && (end == line.size() || line[end] == ' ');
  };
  size_t at = status.empty() ? absl::string_view::npos : line.find(status);
  while (at != absl::string_view::npos && !stands_alone(at)) at = line.find(status, at + 1);
  if (at == absl::string_view::npos) return std::string(text);
  return absl::StrCat(text.substr(0, at), ColourOf(status), status, kPlain, text.substr(at + status.size()));
}

}  // namespace verifyd
