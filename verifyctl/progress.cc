#include "verifyctl/progress.h"

#include "absl/strings/str_cat.h"
#include "verifyctl/result_text.h"

namespace verifyd {
namespace {

constexpr absl::Duration kBetween = absl::Milliseconds(250);
constexpr absl::string_view kWipe = "\r\033[K";

}  // namespace

Progress::Progress(Console& console, absl::string_view what, uint64_t total)
    : console_(console), what_(what), total_(total), begin_(console.clock.Mono()), next_(begin_ + kBetween) {}

Progress::~Progress() {
  if (shown_) console_.err << kWipe << std::flush;
}

void Progress::Show(uint64_t done) {
  const MonoTime now = console_.clock.Mono();
  if (!console_.err_is_terminal || now < next_) return;
  next_ = now + kBetween;
  shown_ = true;
  const double rate = static_cast<double>(done) / absl::ToDoubleSeconds(now - begin_);
  std::string line = absl::StrCat(done);
  if (total_ > 0) absl::StrAppend(&line, " of ", total_);
  absl::StrAppend(&line, " ", what_, ", ", static_cast<uint64_t>(rate), " a second");
  if (total_ > done && rate > 0) {
    absl::StrAppend(&line, ", ", Rough(absl::Seconds(static_cast<double>(total_ - done) / rate)), " left");
  }
  console_.err << kWipe << line << std::flush;
}

}  // namespace verifyd
