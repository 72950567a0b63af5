// Makes a cache as verify(8) of Postfix keeps it in lmdb, with COUNT entries: half deliverable, a quarter unknown
// users, a quarter refusals of the gateway.
//   fill_postfix_cache FILE COUNT
#include <lmdb.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace {

std::string ValueOf(int i, int64_t now) {
  switch (i % 4) {
    case 2:
      return absl::StrCat("2:0:", now, ":host mx.bench.test[192.0.2.1] said: 550 5.1.1 <user", i,
                          "@bench.test>: Recipient address rejected: User unknown (in reply to RCPT TO command)");
    case 3:
      return absl::StrCat("2:0:", now,
                          ":host mx.bench.test[192.0.2.1] said: 554 5.7.1 Service unavailable; Client host [192.0.2.9] "
                          "blocked using zen.spamhaus.org (in reply to RCPT TO command)");
    default:
      return absl::StrCat("0:0:", now, ":250 2.1.5 Ok");
  }
}

int Fill(MDB_env* env, const char* path, int count) {
  mdb_env_set_mapsize(env, size_t{64} << 30);
  int code = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0644);
  const int64_t now = absl::ToUnixSeconds(absl::Now());
  for (int begin = 0; code == 0 && begin < count; begin += 100000) {
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    code = mdb_txn_begin(env, nullptr, 0, &txn);
    if (code == 0) code = mdb_dbi_open(txn, nullptr, 0, &dbi);
    for (int i = begin; code == 0 && i < count && i < begin + 100000; ++i) {
      std::string key_text = absl::StrCat("user", i, "@bench.test");
      std::string value_text = ValueOf(i, now);
      // Sizes include the NUL that Postfix stores.
      MDB_val key{key_text.size() + 1, key_text.data()};
      MDB_val value{value_text.size() + 1, value_text.data()};
      code = mdb_put(txn, dbi, &key, &value, 0);
    }
    if (code == 0) code = mdb_txn_commit(txn);
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fill_postfix_cache FILE COUNT\n");
    return 64;
  }
  MDB_env* env = nullptr;
  int code = mdb_env_create(&env);
  if (code == 0) code = Fill(env, argv[1], std::atoi(argv[2]));
  mdb_env_close(env);
  if (code != 0) std::fprintf(stderr, "fill_postfix_cache: %s\n", mdb_strerror(code));
  return code == 0 ? 0 : 1;
}
