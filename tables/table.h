// A table of keys and values, written as Postfix's lookup tables are (DATABASE_README):
//
//   texthash:/path               a text file of "KEY VALUE" lines, as postmap(1) reads it
//   hash: btree: lmdb: cdb: dbm:/path   the same file: its source is read, not the file that postmap(1) made of it; a
//                                warning is logged when the source is newer
//   inline:{ {key = value} ... } or inline:{ key = value, ... }
//   socketmap:inet:HOST:PORT:NAME, socketmap:unix:PATH:NAME     asked for each key (probe/socketmap.h)
//   proxy:TYPE:NAME              Postfix's proxymap(8) is asked for each key (probe/proxymap.h), unless TYPE is one of
//                                the above: then it is read as without "proxy:", where that is possible
//
// A million entries are nothing special: an entry costs the bytes of its key and about 20 more, a value is kept once
// however many entries have it (bench/table_bench.cc).
//
// Thread: any (immutable once loaded).
#ifndef VERIFYD_TABLES_TABLE_H_
#define VERIFYD_TABLES_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tables/numbered_texts.h"

namespace verifyd {

// The address of a socketmap server, and the name of the map to ask.
struct SocketmapPlace {
  std::string host;  // an IP address, or "localhost"; empty: UNIX
  uint16_t port = 0;
  std::string path;
  std::string map;
  friend bool operator==(const SocketmapPlace&, const SocketmapPlace&) = default;
};

// A table of any type that Postfix has, as proxymap(8) knows it: "mysql:/etc/postfix/aliases.cf".
struct ProxiedTable {
  std::string name;
  friend bool operator==(const ProxiedTable&, const ProxiedTable&) = default;
};

// A table that could not be loaded, and the reason, which every lookup returns.
struct BrokenTable {
  absl::Status why;
};

// A table that is not in our memory.
using RemoteTable = std::variant<SocketmapPlace, ProxiedTable, BrokenTable>;

class Table {
 public:
  // `check` sees every value of a text, once however many entries have it, and may refuse it. Errors name file and
  // line, what was found and expected.
  using Check = absl::FunctionRef<absl::Status(absl::string_view value)>;
  static absl::StatusOr<std::shared_ptr<const Table>> Load(absl::string_view spec, Check check);
  static absl::StatusOr<std::shared_ptr<const Table>> Load(absl::string_view spec);
  // Stands in for a table that must not keep us from starting, because another file names it (main.cf).
  static std::shared_ptr<const Table> Broken(absl::string_view spec, absl::Status why);
  // The first of two equal keys counts, as in Postfix; the second is logged.
  static absl::StatusOr<std::shared_ptr<const Table>> Parse(absl::string_view file_name, absl::string_view text,
                                                            Check check);

  // Set: the table is asked over a socket, or can not be asked at all; Find finds nothing.
  const std::optional<RemoteTable>& remote() const { return remote_; }
  // Returns true for patterns, and for servers that may have patterns. As in Postfix, they are asked only for a whole
  // address or domain, never for parts of it (the address without its extension, a name alone, @domain, a parent
  // domain).
  bool takes_whole_keys_only() const;
  // The name that Load or Broken was given.
  const std::string& spec() const { return spec_; }
  // Case does not matter. The value lives as long as the table.
  std::optional<absl::string_view> Find(absl::string_view key) const;
  // Finds a key in lower case and returns the number of its value: values are numbered from 0 in the order in which
  // `check` saw them.
  std::optional<uint32_t> FindNumber(absl::string_view folded_key) const;
  // Returns the keys in the order of the text.
  std::vector<std::string> Keys() const;
  void ForEach(absl::FunctionRef<void(absl::string_view key, absl::string_view value)> visit) const;
  size_t size() const { return keys_.size(); }

  // Returns true for "texthash" and its like: TYPE:/PATH is a text file that is read whole.
  static bool IsTextType(absl::string_view type);

 private:
  static absl::StatusOr<std::shared_ptr<Table>> LoadLocal(absl::string_view spec, absl::string_view rest, Check check);
  static std::shared_ptr<Table> MakeProxied(absl::string_view name);
  static absl::StatusOr<std::shared_ptr<Table>> LoadText(absl::string_view type, absl::string_view path, Check check);
  static absl::StatusOr<std::shared_ptr<Table>> ParseText(absl::string_view file_name, absl::string_view text,
                                                          Check check);
  static absl::StatusOr<std::shared_ptr<Table>> ParseInline(absl::string_view text, Check check);
  static absl::StatusOr<std::shared_ptr<Table>> MakeSocketmap(absl::string_view spec, absl::string_view place);

  // False if the key is there already.
  absl::StatusOr<bool> Add(absl::string_view key, absl::string_view value, Check check);
  void ShrinkToFit();

  NumberedTexts keys_;  // in lower case
  NumberedTexts values_;
  std::vector<uint32_t> value_of_;  // the number of the value, by the number of its key
  std::optional<RemoteTable> remote_;
  std::string spec_;
};

}  // namespace verifyd

#endif  // VERIFYD_TABLES_TABLE_H_
