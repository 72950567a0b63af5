// The input of `import`: records of verifyd or of Postfix's verify(8) in any format that either writes. The format is
// known by its beginning:
//
//   JSON lines   {"address": ...                    verifyctl export
//   CSV          address,status,...                 verifyctl export --format csv
//   Postfix      ADDRESS<tab>0:0:1795408287:250 ok  postmap -s, verifyctl export --format postfix
//   db_dump      VERSION=3 ... HEADER=END           db_dump of a btree file
//   lmdb         a file                             Postfix's own, while it has it open
//
// It is read a part at a time: memory does not grow with the input.
//
// Thread: any, one at a time.
#ifndef VERIFYD_VERIFYCTL_IMPORT_SOURCE_H_
#define VERIFYD_VERIFYCTL_IMPORT_SOURCE_H_

#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "classifier/classifier.h"

namespace verifyd {

class ImportSource {
 public:
  virtual ~ImportSource() = default;

  // Opens `path`, or `in` where that is "-"; it and `classifier` outlive what is returned. Errors name the file, what
  // was found and what was expected.
  static absl::StatusOr<std::unique_ptr<ImportSource>> Open(const std::string& path, std::istream& in,
                                                            const Classifier& classifier);

  struct Part {
    std::optional<std::string> record;  // its JSON; nothing where the entry is no information
    std::string error;                  // or its fault, and where
  };
  // Returns the next entry; nullopt behind the last one. An error ends the reading.
  virtual absl::StatusOr<std::optional<Part>> Next() = 0;
  // Returns the number of entries; 0 where only reading tells.
  virtual uint64_t total() const { return 0; }
};

}  // namespace verifyd

#endif  // VERIFYD_VERIFYCTL_IMPORT_SOURCE_H_
