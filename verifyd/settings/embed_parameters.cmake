# cmake -D NAMES=postfix_parameters.txt -D OUTPUT=postfix_parameter_names.cc -P embed_parameters.cmake: the names as a
# C++ string.
file(READ ${NAMES} text)
file(WRITE ${OUTPUT} "#include \"verifyd/settings/postfix_parameters.h\"

namespace verifyd {

absl::string_view PostfixParameterNames() {
  static constexpr char kNames[] = R\"(${text})\";
  return absl::string_view(kNames, sizeof(kNames) - 1);
}

}  // namespace verifyd
")
