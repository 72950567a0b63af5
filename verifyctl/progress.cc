#include "verifyctl/progress.h"

#include <array>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "verifyctl/result_text.h"

namespace verifyd {
namespace {

constexpr absl::Duration kBetween = absl::Milliseconds(250);
constexpr absl::string_view kWipe = "\r\033[K";

}  // namespace

Progress::Progress(Console& console, absl::string_view what, uint64_t total)
    : console_(console), what_(what), total_(total), begin_(console.clock.Mono()), next_(begin_ + kBetween) {}

Progress::~Progress() { Wipe(); }

void Progress::Wipe() {
  if (std::exchange(shown_, false)) console_.err << kWipe << std::flush;
}

void Progress::Show(uint64_t done) {
  const MonoTime now = console_.clock.Mono();
  if (!console_.err_is_terminal || now < next_) return;
  next_ = now + kBetween;
  shown_ = true;
  const double rate = static_cast<double>(done) / absl::ToDoubleSeconds(now - begin_);
  const bool bytes = what_ == "bytes";
  const auto amount = [bytes](uint64_t number) { return bytes ? ByteText(number) : absl::StrCat(number); };
  std::string line = amount(done);
  if (total_ > 0) absl::StrAppend(&line, " of ", amount(total_));
  absl::StrAppend(&line, bytes ? "" : absl::StrCat(" ", what_), ", ", amount(static_cast<uint64_t>(rate)), " a second");
  if (total_ > done && rate > 0) {
    absl::StrAppend(&line, ", ", Rough(absl::Seconds(static_cast<double>(total_ - done) / rate)), " left");
  }
  console_.err << kWipe << line << std::flush;
}

std::string ByteText(uint64_t bytes) {
  constexpr std::array<absl::string_view, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  for (; amount >= 1024 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  return unit == 0 ? absl::StrCat(bytes, " bytes") : absl::StrFormat("%.1f %s", amount, kUnits[unit]);
}

}  // namespace verifyd
