#include "verifyctl/input_text.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "verifyctl/exit_code.h"

namespace verifyd {
namespace {

constexpr size_t kLookedAt = 100;
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

struct Compression {
  absl::string_view mark;
  absl::string_view name;
  absl::string_view reader;
};

constexpr std::array<Compression, 5> kCompressions = {{{"\x1F\x8B", "gzip", "zcat"},
                                                       {"BZh", "bzip2", "bzcat"},
                                                       {"\xFD\x37zXZ", "xz", "xzcat"},
                                                       {"\x28\xB5\x2F\xFD", "zstd", "zstdcat"},
                                                       {"\x04\x22\x4D\x18", "lz4", "lz4cat"}}};

std::string Spoken(const std::string& name) { return name == "-" ? "standard input" : name; }

}  // namespace

std::string FirstBytes(std::istream& in, size_t most) {
  std::array<char, 100> bytes{};
  if (in.good()) errno = 0;
  if (in.peek() == std::istream::traits_type::eof()) {
    if (!in.bad()) in.clear();
    return "";
  }
  std::streambuf& buffer = *in.rdbuf();
  const auto there = std::min(buffer.in_avail(), static_cast<std::streamsize>(std::min(most, bytes.size())));
  const std::streamsize got = buffer.sgetn(bytes.data(), there);
  for (std::streamsize i = 0; i < got; ++i) buffer.sungetc();
  return std::string(bytes.data(), static_cast<size_t>(got));
}

absl::Status BeginText(std::istream& in, const std::string& name, absl::string_view verb) {
  const std::string first = FirstBytes(in, kLookedAt);
  RETURN_IF_ERROR(ReadError(in, name));
  for (const Compression& compression : kCompressions) {
    if (!absl::StartsWith(first, compression.mark)) continue;
    return absl::InvalidArgumentError(absl::StrCat(Spoken(name), ": compressed (", compression.name,
                                                   "), expected text: ", compression.reader, " ",
                                                   name == "-" ? "FILE" : name, " | verifyctl ", verb, " -"));
  }
  if (absl::StrContains(first, '\0')) {
    return absl::InvalidArgumentError(absl::StrCat(Spoken(name), ": found a zero byte, expected text"));
  }
  if (absl::StartsWith(first, kByteOrderMark)) in.ignore(static_cast<std::streamsize>(kByteOrderMark.size()));
  return absl::OkStatus();
}

absl::Status ReadErrorOf(int code, const std::string& name) {
  if (code == EISDIR) return absl::NotFoundError(absl::StrCat(Spoken(name), ": found a folder, expected a file"));
  return absl::UnavailableError(
      absl::StrCat(Spoken(name), ": ", code == 0 ? "it can not be read" : std::strerror(code)));
}

absl::Status ReadError(const std::istream& in, const std::string& name) {
  return in.bad() ? ReadErrorOf(errno, name) : absl::OkStatus();
}

void SayEmpty(const std::string& name, Console& console) {
  console.err << "verifyctl: " << Spoken(name) << " is empty\n";
}

int NoMailLog(const std::string& name, int64_t lines, Console& console) {
  console.err << "verifyctl: " << Spoken(name) << ": no line of Postfix in " << lines << " lines\n";
  return kExitBadAddress;
}

}  // namespace verifyd
