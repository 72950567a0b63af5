// The cache of Postfix's verify(8): the meaning of its entries, and its lmdb file, read while Postfix may have it open.
//
// A value is "STATUS:PROBED:UPDATED:TEXT" (verify.c). The text is the delivery agent's, and only that tells whom a
// refusal is about. On Linux key and value end with a NUL.
//
// The file has no lock table: Postfix takes a lock of fcntl(2) on it around each access, shared to read, exclusive to
// write (dict_lmdb.c), so this does the same. It only reads, and holds the lock for a slice at a time: verify(8) waits
// for that, which is a millisecond.
//
// Thread: any, one at a time.
#ifndef VERIFYD_VERIFYCTL_POSTFIX_CACHE_H_
#define VERIFYD_VERIFYCTL_POSTFIX_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "classifier/classifier.h"

namespace verifyd {

// Returns an entry as the JSON of a record, {"address": ..., "record": {...}}, its text judged by `classifier`. Nothing
// where the entry is no information: the note of the last cleanup, and addresses that were never answered for. Errors
// say what was expected.
absl::StatusOr<std::optional<std::string>> PostfixRecord(const Classifier& classifier, absl::string_view key,
                                                         absl::string_view value);

class PostfixCacheFile {
 public:
  static constexpr size_t kSlice = 500;

  // verify(8) keeps its lock for moments.
  static constexpr absl::Duration kPatience = absl::Seconds(10);

  // Errors name the file; Unavailable where another process keeps it locked for longer than `patience`.
  static absl::StatusOr<std::unique_ptr<PostfixCacheFile>> Open(const std::string& path,
                                                                absl::Duration patience = kPatience);
  ~PostfixCacheFile();
  PostfixCacheFile(const PostfixCacheFile&) = delete;
  PostfixCacheFile& operator=(const PostfixCacheFile&) = delete;

  // Returns the next entries, keys and values without their NUL; none at the end.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Next();
  // The number of entries.
  uint64_t entries() const { return entries_; }

 private:
  struct Impl;
  explicit PostfixCacheFile(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
  std::string after_;  // as in the file
  uint64_t entries_ = 0;
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_POSTFIX_CACHE_H_
