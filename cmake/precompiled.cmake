# Headers of libraries that are parsed once, not once a file. VERIFYD_PRECOMPILE says for which files:
#   ON     all, and most of what they include: halves a build from nothing without optimisation, as the sanitizers are.
#          None of our own: rooms that do not know each other have types of one name (Table of cache/ and of probe/).
#   TESTS  the tests, and only GoogleTest, which each of them includes. With it a file that includes too little is found out.
if(VERIFYD_PRECOMPILE STREQUAL "ON")
  set(precompiled
    <algorithm> <array> <cstdint> <functional> <memory> <optional> <string> <utility> <vector>
    <absl/container/btree_map.h> <absl/container/flat_hash_map.h> <absl/container/flat_hash_set.h>
    <absl/functional/any_invocable.h> <absl/functional/function_ref.h> <absl/status/statusor.h> <absl/strings/ascii.h>
    <absl/strings/escaping.h> <absl/strings/match.h> <absl/strings/numbers.h> <absl/strings/str_cat.h>
    <absl/strings/str_format.h> <absl/strings/str_join.h> <absl/strings/str_replace.h> <absl/strings/str_split.h>
    <absl/strings/string_view.h> <absl/strings/strip.h> <absl/time/time.h>
    <boost/asio/as_tuple.hpp> <boost/asio/awaitable.hpp> <boost/asio/buffer.hpp> <boost/asio/co_spawn.hpp>
    <boost/asio/io_context.hpp> <boost/asio/ip/tcp.hpp> <boost/asio/local/stream_protocol.hpp> <boost/asio/post.hpp>
    <boost/asio/read.hpp> <boost/asio/use_awaitable.hpp> <boost/asio/write.hpp> <boost/json.hpp>)
endif()

# verifyd_precompile(TARGET OWNER HEADER...): TARGET is compiled with what OWNER, which comes first, precompiles.
function(verifyd_precompile target owner)
  if(target STREQUAL owner)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  else()
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
  # All of them must have the same flags, and some libraries ask for this one.
  target_compile_options(${target} PRIVATE -pthread)
endfunction()
