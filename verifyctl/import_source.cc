#include "verifyctl/import_source.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/input_file.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "boost/json.hpp"
#include "verifyctl/input_text.h"
#include "verifyctl/postfix_cache.h"
#include "verifyctl/record_format.h"

namespace verifyd {
namespace {

namespace json = boost::json;

// A full record of ours is shorter; the rest of a longer line is passed over.
constexpr size_t kLongestLine = size_t{64} * 1024;
constexpr size_t kShown = 80;
// The marks of files of LMDB and of Berkeley DB (little-endian machines).
constexpr size_t kLmdbMarkAt = 16;
constexpr absl::string_view kLmdbMark = "\xDE\xC0\xEF\xBE";
constexpr size_t kBerkeleyMarkAt = 12;
constexpr absl::string_view kBerkeleyBtreeMark("\x62\x31\x05\x00", 4);
constexpr absl::string_view kDumpHead = "VERSION=";

using Part = ImportSource::Part;

class LineReader {
 public:
  LineReader(std::string name, std::unique_ptr<std::ifstream> file, std::istream& in)
      : name_(std::move(name)), file_(std::move(file)), in_(file_ != nullptr ? *file_ : in), buffer_(kLongestLine) {}

  // Returns the next line without its end; nullopt behind the last one. Valid until the next call.
  std::optional<absl::string_view> Next() {
    in_.getline(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    const auto got = static_cast<size_t>(in_.gcount());
    if (in_.fail() && !in_.eof() && !in_.bad() && got > 0) {
      in_.clear();
      in_.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    if (in_.fail()) return std::nullopt;
    ++number_;
    // The line end that was taken is counted, the end of the file is not.
    const absl::string_view line(buffer_.data(), std::strlen(buffer_.data()));
    return absl::StripSuffix(line, "\r");
  }

  // To be asked behind the last line. Errors as of ReadError.
  absl::Status status() const { return ReadError(in_, name_); }

  Part Wrong(absl::string_view what) const {
    return {.record = std::nullopt, .error = absl::StrCat(name_, ": line ", number_, ": ", what)};
  }

 private:
  const std::string name_;
  const std::unique_ptr<std::ifstream> file_;
  std::istream& in_;
  std::vector<char> buffer_;
  uint64_t number_ = 0;
};

// Returns a line's fields; nothing where a quote is not closed.
std::optional<std::vector<std::string>> CsvFields(absl::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back().push_back(line[++i]);
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back().push_back(line[i]);
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

// Our own formats, or the output of postmap(1): each line stands for itself.
class TextSource : public ImportSource {
 public:
  TextSource(std::unique_ptr<LineReader> lines, std::string first, const Classifier& classifier)
      : lines_(std::move(lines)), first_(std::move(first)), classifier_(classifier) {
    if (absl::StartsWith(*first_, "{")) {
      format_ = RecordFormat::kJsonLines;
    } else if (absl::StartsWith(*first_, "address,")) {
      format_ = RecordFormat::kCsv;
      head_ = *std::exchange(first_, std::nullopt);
    }
  }

  absl::Status CheckHead() const {
    if (format_ != RecordFormat::kCsv || absl::StrCat(head_, "\n") == HeadOf(RecordFormat::kCsv)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("line 1: found columns ", Printable(head_, kShown), "..., expected ",
                                                   absl::StripSuffix(HeadOf(RecordFormat::kCsv), "\n")));
  }

  absl::StatusOr<std::optional<Part>> Next() override {
    for (;;) {
      std::string line;
      if (first_.has_value()) {
        line = *std::exchange(first_, std::nullopt);
      } else if (const std::optional<absl::string_view> next = lines_->Next(); next.has_value()) {
        line = std::string(*next);
      } else {
        RETURN_IF_ERROR(lines_->status());
        return std::nullopt;
      }
      if (!line.empty()) return Read(line);
    }
  }

 private:
  Part Read(absl::string_view line) const {
    switch (format_) {
      case RecordFormat::kJsonLines:
        return ReadJson(line);
      case RecordFormat::kCsv:
        return ReadCsv(line);
      case RecordFormat::kPostfix:
        break;
    }
    const size_t gap = line.find_first_of(" \t");
    const absl::string_view value =
        gap == absl::string_view::npos ? "" : absl::StripLeadingAsciiWhitespace(line.substr(gap));
    absl::StatusOr<std::optional<std::string>> record = PostfixRecord(classifier_, line.substr(0, gap), value);
    if (!record.ok()) return lines_->Wrong(record.status().message());
    return {.record = *std::move(record), .error = ""};
  }

  Part ReadJson(absl::string_view line) const {
    boost::system::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object()) {
      return lines_->Wrong(absl::StrCat("found ", Printable(line, kShown), ", expected a JSON object"));
    }
    return {.record = std::string(line), .error = ""};
  }

  Part ReadCsv(absl::string_view line) const {
    const std::optional<std::vector<std::string>> fields = CsvFields(line);
    std::optional<std::string> record = fields.has_value() ? FromCsv(*fields) : std::nullopt;
    if (!record.has_value()) {
      return lines_->Wrong(absl::StrCat("found ", Printable(line, kShown), ", expected ", CsvColumns().size(),
                                        " fields, what is quoted within the line"));
    }
    return {.record = std::move(record), .error = ""};
  }

  const std::unique_ptr<LineReader> lines_;
  std::optional<std::string> first_;
  std::string head_;
  RecordFormat format_ = RecordFormat::kPostfix;
  const Classifier& classifier_;
};

// db_dump(1): a head, then lines of keys and values by turns, each behind a blank.
class DumpSource : public ImportSource {
 public:
  DumpSource(std::unique_ptr<LineReader> lines, const Classifier& classifier)
      : lines_(std::move(lines)), classifier_(classifier) {}

  absl::Status TakeHead() {
    while (const std::optional<absl::string_view> line = lines_->Next()) {
      if (*line == "format=print") print_ = true;
      if (*line == "HEADER=END") return absl::OkStatus();
    }
    return absl::InvalidArgumentError("found no HEADER=END, expected what db_dump prints");
  }

  absl::StatusOr<std::optional<Part>> Next() override {
    const std::optional<absl::string_view> key_line = lines_->Next();
    if (!key_line.has_value()) RETURN_IF_ERROR(lines_->status());
    if (!key_line.has_value() || *key_line == "DATA=END") return std::nullopt;
    const std::optional<std::string> key = Bytes(*key_line);
    const std::optional<absl::string_view> value_line = lines_->Next();
    const std::optional<std::string> value = value_line.has_value() ? Bytes(*value_line) : std::nullopt;
    if (!key.has_value() || !value.has_value()) {
      return lines_->Wrong("found a line that is no key or value, expected one behind a blank, as db_dump prints it");
    }
    absl::StatusOr<std::optional<std::string>> record = PostfixRecord(classifier_, *key, *value);
    if (!record.ok()) return lines_->Wrong(record.status().message());
    return Part{.record = *std::move(record), .error = ""};
  }

 private:
  static bool IsHex(absl::string_view text) {
    return text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
             return absl::ascii_isxdigit(static_cast<unsigned char>(c));
           });
  }

  // Returns the bytes without a NUL at the end.
  std::optional<std::string> Bytes(absl::string_view line) const {
    if (!absl::ConsumePrefix(&line, " ")) return std::nullopt;
    std::string bytes;
    if (!print_) {
      if (!IsHex(line)) return std::nullopt;
      bytes = absl::HexStringToBytes(line);
    } else {
      // "\\" is a backslash, "\c3" a byte.
      for (size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\\') {
          bytes.push_back(line[i]);
        } else if (i + 1 < line.size() && line[i + 1] == '\\') {
          bytes.push_back(line[++i]);
        } else if (i + 2 < line.size() && IsHex(line.substr(i + 1, 2))) {
          absl::StrAppend(&bytes, absl::HexStringToBytes(line.substr(i + 1, 2)));
          i += 2;
        } else {
          return std::nullopt;
        }
      }
    }
    if (!bytes.empty() && bytes.back() == '\0') bytes.pop_back();
    return bytes;
  }

  const std::unique_ptr<LineReader> lines_;
  const Classifier& classifier_;
  bool print_ = false;
};

class LmdbSource : public ImportSource {
 public:
  LmdbSource(std::string path, std::unique_ptr<PostfixCacheFile> file, const Classifier& classifier)
      : path_(std::move(path)), file_(std::move(file)), classifier_(classifier) {}

  absl::StatusOr<std::optional<Part>> Next() override {
    if (next_ == slice_.size()) {
      next_ = 0;
      ASSIGN_OR_RETURN(slice_, file_->Next());
      if (slice_.empty()) return std::nullopt;
    }
    const auto& [key, value] = slice_[next_++];
    absl::StatusOr<std::optional<std::string>> record = PostfixRecord(classifier_, key, value);
    if (record.ok()) return Part{.record = *std::move(record), .error = ""};
    return Part{.record = std::nullopt,
                .error = absl::StrCat(path_, ": ", Printable(key, kShown), ": ", record.status().message())};
  }
  uint64_t total() const override { return file_->entries(); }

 private:
  const std::string path_;
  const std::unique_ptr<PostfixCacheFile> file_;
  const Classifier& classifier_;
  std::vector<std::pair<std::string, std::string>> slice_;
  size_t next_ = 0;
};

bool HasMark(absl::string_view beginning, size_t at, absl::string_view mark) {
  return beginning.size() >= at + mark.size() && beginning.substr(at, mark.size()) == mark;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ImportSource>> ImportSource::Open(const std::string& path, std::istream& in,
                                                                 const Classifier& classifier) {
  std::unique_ptr<std::ifstream> file;
  if (path != "-") {
    ASSIGN_OR_RETURN(file, OpenInputFile(path));
    const std::string beginning = FirstBytes(*file, kLmdbMarkAt + kLmdbMark.size());
    if (HasMark(beginning, kLmdbMarkAt, kLmdbMark)) {
      ASSIGN_OR_RETURN(std::unique_ptr<PostfixCacheFile> lmdb, PostfixCacheFile::Open(path));
      return std::make_unique<LmdbSource>(path, std::move(lmdb), classifier);
    }
    if (HasMark(beginning, kBerkeleyMarkAt, kBerkeleyBtreeMark)) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": a btree file, expected text; print a copy of it: postmap -s btree:", absl::StripSuffix(path, ".db"),
          " | verifyctl import -"));
    }
  }
  RETURN_IF_ERROR(BeginText(file != nullptr ? *file : in, path, "import"));
  const std::string name = path == "-" ? "standard input" : path;
  auto lines = std::make_unique<LineReader>(name, std::move(file), in);
  const std::optional<absl::string_view> first = lines->Next();
  const auto named = [&](const absl::Status& status) {
    return status.ok() ? status : absl::InvalidArgumentError(absl::StrCat(name, ": ", status.message()));
  };
  if (first.has_value() && absl::StartsWith(*first, kDumpHead)) {
    auto dump = std::make_unique<DumpSource>(std::move(lines), classifier);
    RETURN_IF_ERROR(named(dump->TakeHead()));
    return dump;
  }
  std::string line(first.value_or(""));
  auto source = std::make_unique<TextSource>(std::move(lines), std::move(line), classifier);
  RETURN_IF_ERROR(named(source->CheckHead()));
  return source;
}

}  // namespace verifyd
