#include "cache/page_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "cache/databases.h"

namespace verifyd {
namespace {

// LMDB writes its structures as they are in memory. On uncommon machines nothing is checked.
constexpr bool kFormatKnown = std::endian::native == std::endian::little && sizeof(size_t) == 8;
constexpr uint32_t kLmdbMagic = 0xBEEFC0DE;
constexpr uint32_t kDataVersion = 1;
constexpr uint64_t kNoPage = ~uint64_t{0};
constexpr size_t kMaxKeySize = 511;
constexpr size_t kMaxDepth = 32;
constexpr uint32_t kLeastPageSize = 512;
constexpr uint32_t kMostPageSize = 65536;
constexpr uint32_t kUsualPageSize = 4096;

enum PageFlag : uint16_t { kBranchPage = 0x01, kLeafPage = 0x02, kOverflowPage = 0x04, kMetaPage = 0x08 };
enum NodeFlag : uint16_t { kBigData = 0x01, kSubData = 0x02 };
// Flags of the database of free pages; LMDB also notes there that the file was opened as a file.
constexpr uint16_t kIntegerKey = 0x08;
constexpr uint16_t kNoFolder = 0x4000;

struct PageTree {
  uint32_t pad = 0;  // in the first tree of a meta page: the page size
  uint16_t flags = 0;
  uint16_t depth = 0;
  std::array<uint64_t, 4> counts{};
  uint64_t root = 0;
};
static_assert(sizeof(PageTree) == 48);

struct MetaPage {
  uint32_t magic = 0;
  uint32_t version = 0;
  uint64_t address = 0;
  uint64_t map_size = 0;
  PageTree free;
  PageTree main;
  uint64_t last_page = 0;
  uint64_t transaction = 0;
};
static_assert(sizeof(MetaPage) == 136);

struct PageHeader {
  uint64_t number = 0;
  uint16_t pad = 0;
  uint16_t flags = 0;
  uint16_t lower = 0;  // in an overflow page `lower` and `upper` are the number of pages
  uint16_t upper = 0;
};
static_assert(sizeof(PageHeader) == 16);

struct NodeHeader {
  uint16_t low = 0;
  uint16_t high = 0;
  uint16_t flags = 0;
  uint16_t key_size = 0;
};
static_assert(sizeof(NodeHeader) == 8);

// `bytes` must have room for it.
template <typename T>
T LoadAt(absl::string_view bytes, size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

class PageFile {
 public:
  explicit PageFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~PageFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  PageFile(const PageFile&) = delete;
  PageFile& operator=(const PageFile&) = delete;

  uint64_t size() const {
    struct stat info = {};
    return fd_ >= 0 && ::fstat(fd_, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
  }
  // False where the file is shorter.
  bool Read(uint64_t at, size_t count, std::string& bytes) const {
    bytes.resize(count);
    return ::pread(fd_, bytes.data(), count, static_cast<off_t>(at)) == static_cast<ssize_t>(count);
  }

 private:
  const int fd_;
};

// Reads one of the two pages at the front.
std::optional<MetaPage> ReadMeta(const PageFile& file, uint64_t at) {
  std::string bytes;
  if (!file.Read(at, sizeof(PageHeader) + sizeof(MetaPage), bytes)) return std::nullopt;
  const auto header = LoadAt<PageHeader>(bytes, 0);
  const auto meta = LoadAt<MetaPage>(bytes, sizeof(PageHeader));
  const uint32_t page_size = meta.free.pad;
  const bool right = (header.flags & kMetaPage) != 0 && meta.magic == kLmdbMagic && meta.version == kDataVersion &&
                     page_size >= kLeastPageSize && page_size <= kMostPageSize && std::has_single_bit(page_size);
  return right ? std::optional<MetaPage>(meta) : std::nullopt;
}

struct Front {
  std::optional<MetaPage> meta;  // the newer, as LMDB chooses it
  bool whole = false;            // both are right: else LMDB refuses the file
};

Front ReadFront(const PageFile& file) {
  const std::optional<MetaPage> first = ReadMeta(file, 0);
  const std::optional<MetaPage> second = ReadMeta(file, first.has_value() ? first->free.pad : kUsualPageSize);
  if (!first.has_value() || !second.has_value()) return {.meta = first.has_value() ? first : second};
  return {.meta = first->transaction > second->transaction ? first : second, .whole = true};
}

class PageChecker {
 public:
  PageChecker(const PageFile& file, const Front& front, absl::Duration limit)
      : file_(file),
        meta_(*front.meta),
        whole_(front.whole),
        page_size_(meta_.free.pad),
        seen_(std::min(meta_.last_page + 1, file.size() / page_size_)),
        deadline_(std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(limit)) {}

  absl::StatusOr<PageCheck> Run() {
    const absl::StatusOr<bool> ours = IsOurs();
    RETURN_IF_ERROR(ours.status());
    if (!*ours) return PageCheck();
    if (!whole_) return absl::DataLossError("one of the two pages at its front");
    PageTree free = meta_.free;
    free.flags &= static_cast<uint16_t>(~kNoFolder);
    RETURN_IF_ERROR(Begin(free, kIntegerKey, "of free pages"));
    RETURN_IF_ERROR(Begin(meta_.main, 0, "of databases"));
    while (!branches_.empty() && !Late()) {
      const Link link = branches_.back();
      branches_.pop_back();
      RETURN_IF_ERROR(Check(link));
    }
    std::shuffle(leaves_.begin(), leaves_.end(), std::minstd_rand(std::random_device()()));
    while (!leaves_.empty() && !Late()) {
      const Link link = leaves_.back();
      leaves_.pop_back();
      RETURN_IF_ERROR(Check(link));
    }
    return PageCheck{.checked = checked_, .pages = checked_ + branches_.size() + leaves_.size()};
  }

 private:
  // A link from one page to another.
  struct Link {
    uint64_t page = 0;
    uint16_t levels = 0;  // from it to the leaves, itself included
    bool free = false;    // belongs to the database of free pages
    bool names = false;   // belongs to the database that names the others
  };

  bool Late() const { return std::chrono::steady_clock::now() >= deadline_; }
  absl::Status Fault(uint64_t page, absl::string_view what) const {
    return absl::DataLossError(absl::StrCat("page ", page, ": ", what));
  }

  // Returns true if the names of our databases are in it: they take one page.
  absl::StatusOr<bool> IsOurs() {
    if (meta_.main.root == kNoPage) return false;
    std::string page;
    if (meta_.main.root >= seen_.size() || !file_.Read(meta_.main.root * page_size_, page_size_, page)) {
      return Fault(meta_.main.root, "it is spoken of, and is not there");
    }
    const bool names = page.find(kDatabaseNames[kMeta]) != std::string::npos &&
                       page.find(kDatabaseNames[kDueIndex]) != std::string::npos;
    if (names) return true;
    // A broken page is not another program's page, either.
    const Link root{.page = meta_.main.root, .levels = std::max<uint16_t>(meta_.main.depth, 1), .names = true};
    RETURN_IF_ERROR(Check(root));
    return false;
  }

  absl::Status Begin(const PageTree& database, uint16_t flags, absl::string_view name) {
    if (database.flags != flags) return absl::DataLossError(absl::StrCat("the database ", name, ": odd flags"));
    if (database.root == kNoPage) return absl::OkStatus();
    if (database.depth == 0 || database.depth > kMaxDepth) {
      return absl::DataLossError(absl::StrCat("the database ", name, ": a tree of ", database.depth, " levels"));
    }
    const bool names = &database == &meta_.main;
    return Follow({.page = database.root, .levels = database.depth, .free = flags == kIntegerKey, .names = names});
  }

  absl::Status Follow(const Link& link) {
    RETURN_IF_ERROR(Claim(link.page, 1));
    (link.levels > 1 || link.names ? branches_ : leaves_).push_back(link);
    return absl::OkStatus();
  }

  // Claims the pages for one place in one tree.
  absl::Status Claim(uint64_t first, uint64_t count) {
    if (first < 2 || count == 0 || first >= seen_.size() || count > seen_.size() - first) {
      return Fault(first, "it is spoken of, and is not there");
    }
    for (uint64_t page = first; page < first + count; ++page) {
      if (seen_[page]) return Fault(page, "it has two places");
      seen_[page] = true;
    }
    return absl::OkStatus();
  }

  absl::Status Check(const Link& link) {
    ++checked_;
    std::string& page = page_;
    if (!file_.Read(link.page * page_size_, page_size_, page)) return Fault(link.page, "it can not be read");
    const auto header = LoadAt<PageHeader>(page, 0);
    const bool branch = link.levels > 1;
    if (header.number != link.page || header.flags != (branch ? kBranchPage : kLeafPage)) {
      return Fault(link.page, "it is another one");
    }
    if (header.lower < sizeof(PageHeader) || header.lower > header.upper || header.upper > page_size_ ||
        header.lower % 2 != 0) {
      return Fault(link.page, "its bounds are odd");
    }
    const size_t nodes = (header.lower - sizeof(PageHeader)) / 2;
    if (branch && nodes < (link.free ? 1U : 2U)) return Fault(link.page, "it leads nowhere");
    for (size_t i = 0; i < nodes; ++i) {
      const size_t at = LoadAt<uint16_t>(page, sizeof(PageHeader) + 2 * i);
      if (at < header.upper || at % 2 != 0 || at + sizeof(NodeHeader) > page_size_) {
        return Fault(link.page, "an entry is outside");
      }
      const auto node = LoadAt<NodeHeader>(page, at);
      const size_t value = at + sizeof(NodeHeader) + node.key_size;
      if (value > page_size_ || node.key_size > kMaxKeySize) return Fault(link.page, "a key is too long");
      RETURN_IF_ERROR(branch ? CheckBranch(link, node) : CheckLeaf(link, page, node, value));
    }
    return absl::OkStatus();
  }

  absl::Status CheckBranch(const Link& link, const NodeHeader& node) {
    const uint64_t page = node.low | uint64_t{node.high} << 16 | uint64_t{node.flags} << 32;
    return Follow(
        {.page = page, .levels = static_cast<uint16_t>(link.levels - 1), .free = link.free, .names = link.names});
  }

  absl::Status CheckLeaf(const Link& link, absl::string_view page, const NodeHeader& node, size_t at) {
    const uint64_t size = node.low | uint64_t{node.high} << 16;
    if ((node.flags & ~(kBigData | kSubData)) != 0) return Fault(link.page, "an entry has odd flags");
    const bool big = (node.flags & kBigData) != 0;
    if (at + (big ? sizeof(uint64_t) : size) > page_size_) return Fault(link.page, "a value is too long");
    if ((node.flags & kSubData) != 0) {
      if (!link.names || big || size != sizeof(PageTree)) return Fault(link.page, "a database in an odd place");
      const absl::string_view name = page.substr(at - node.key_size, node.key_size);
      const auto database = LoadAt<PageTree>(page, at);
      return Begin(database, 0, name);
    }
    std::string apart;
    if (big) RETURN_IF_ERROR(ReadOverflow(link, LoadAt<uint64_t>(page, at), size, apart));
    if (!link.free) return absl::OkStatus();
    return CheckFreePages(link, node, big ? absl::string_view(apart) : page.substr(at, size));
  }

  // Reads a value that has pages of its own.
  absl::Status ReadOverflow(const Link& link, uint64_t first, uint64_t size, std::string& value) {
    const uint64_t count = (sizeof(PageHeader) + size - 1) / page_size_ + 1;
    RETURN_IF_ERROR(Claim(first, count));
    std::string page;
    if (!file_.Read(first * page_size_, sizeof(PageHeader), page)) return Fault(first, "it can not be read");
    const auto header = LoadAt<PageHeader>(page, 0);
    if (header.number != first || header.flags != kOverflowPage ||
        (header.lower | uint32_t{header.upper} << 16) < count) {
      return Fault(first, "it is another one");
    }
    if (!link.free) return absl::OkStatus();
    const bool read = file_.Read(first * page_size_ + sizeof(PageHeader), size, value);
    return read ? absl::OkStatus() : Fault(first, "it can not be read");
  }

  // Checks a list of free pages: their number, then the pages, the last first.
  absl::Status CheckFreePages(const Link& link, const NodeHeader& node, absl::string_view value) {
    if (node.key_size != sizeof(uint64_t) || value.size() < sizeof(uint64_t)) return Fault(link.page, "an odd list");
    const auto count = LoadAt<uint64_t>(value, 0);
    if (count > value.size() / sizeof(uint64_t) - 1) return Fault(link.page, "a list is too long");
    uint64_t before = meta_.last_page + 1;
    for (size_t i = 1; i <= count; ++i) {
      const auto page = LoadAt<uint64_t>(value, i * sizeof(uint64_t));
      if (page < 2 || page >= before) return Fault(link.page, "a list of pages that are not there");
      before = page;
    }
    return absl::OkStatus();
  }

  const PageFile& file_;
  const MetaPage meta_;
  const bool whole_;
  const uint64_t page_size_;
  // By page. The file may be shorter than its front says: LMDB need not write free pages at the end.
  std::vector<bool> seen_;
  std::vector<Link> branches_;  // and links to other trees
  std::vector<Link> leaves_;
  uint64_t checked_ = 0;
  std::string page_;  // the page that is being checked
  const std::chrono::steady_clock::time_point deadline_;
};

}  // namespace

absl::StatusOr<PageCheck> CheckPages(const std::string& path, absl::Duration limit) {
  if (!kFormatKnown) return PageCheck();
  const PageFile file(path);
  const Front front = ReadFront(file);
  if (!front.meta.has_value()) return PageCheck();
  absl::StatusOr<PageCheck> found = PageChecker(file, front, limit).Run();
  if (found.ok()) return found;
  // A change by another process meanwhile is no damage.
  const Front after = ReadFront(file);
  if (after.meta.has_value() && after.meta->transaction != front.meta->transaction) return PageCheck();
  return absl::DataLossError(absl::StrCat(path, ": ", found.status().message()));
}

}  // namespace verifyd
