#include "tables/table_text.h"

#include <cstddef>
#include <fstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/text.h"

namespace verifyd {
namespace {

constexpr size_t kMaxText = size_t{1} << 30;

absl::Status At(absl::string_view file_name, int number, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(file_name, ":", number, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::string> ReadTableText(absl::string_view path) {
  std::ifstream file(std::string(path), std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": can not be opened for reading"));
  std::string text;
  char chunk[65536];
  while (file.read(chunk, sizeof(chunk)), file.gcount() > 0) {
    text.append(chunk, static_cast<size_t>(file.gcount()));
    if (text.size() > kMaxText) {
      return absl::ResourceExhaustedError(absl::StrCat(path, ": expected at most ", kMaxText, " bytes"));
    }
  }
  if (file.bad()) return absl::UnavailableError(absl::StrCat(path, ": can not be read"));
  return text;
}

absl::Status ForEachLogicalLine(absl::string_view file_name, absl::string_view text,
                                absl::FunctionRef<absl::Status(absl::string_view line, int number)> take) {
  std::string logical;
  int logical_number = 0;
  const auto end_line = [&]() -> absl::Status {
    if (logical.empty()) return absl::OkStatus();
    absl::Status taken = At(file_name, logical_number, take(logical, logical_number));
    logical.clear();
    return taken;
  };
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view content = absl::StripAsciiWhitespace(line);
    // Comments and empty lines do not end a logical line.
    if (content.empty() || content.front() == '#') continue;
    if (absl::ascii_isspace(static_cast<unsigned char>(line.front()))) {
      if (logical.empty()) {
        return At(file_name, number,
                  absl::InvalidArgumentError(absl::StrCat("\"", Printable(content, 100),
                                                          "\": expected a pattern at the start of the line, found a "
                                                          "continuation of nothing")));
      }
      absl::StrAppend(&logical, " ", content);
      continue;
    }
    RETURN_IF_ERROR(end_line());
    logical.assign(content.data(), content.size());
    logical_number = number;
  }
  return end_line();
}

absl::Status UnexpectedInTable(absl::string_view found, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("found \"", Printable(found, 100), "\", expected ", expected));
}

}  // namespace verifyd
