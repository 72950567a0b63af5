// A settings file is written by people and by programs.
#include <cstdint>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "verifyd/settings/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = verifyd::ParseSettingFile("f", absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!file.ok()) return 0;
  const auto settings = verifyd::Settings::Load(*file, {});
  if (!settings.ok()) return 0;
  // Accepted settings can be read.
  for (const verifyd::SettingRow& row : verifyd::kSettingTable) {
    if (row.type == verifyd::SettingType::kNumber) {
      int64_t number = 0;
      const bool read = absl::SimpleAtoi(settings->Text(row), &number);
      if (!read || number < row.min || number > row.max) std::abort();
    }
  }
  return 0;
}
