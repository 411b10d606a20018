# Installs BUILD into a fresh folder, builds SOURCE against it and runs what comes of it, as far as that goes without a
# coordinator. -DCOMPILER, LAUNCHER and SANITIZE are those of BUILD.
set(folder ${BUILD}/package-test)
file(REMOVE_RECURSE ${folder})

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE err)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "exit code ${result}: ${ARGV}\n${out}\n${err}")
  endif()
endfunction()

# expect(CODE TEXT COMMAND...): COMMAND ends with exit code CODE and its output has TEXT.
function(expect code text)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE err)
  string(FIND "${out}${err}" "${text}" at)
  if(NOT result EQUAL code OR at EQUAL -1)
    message(FATAL_ERROR "expected exit code ${code} and '${text}', found ${result}: ${ARGN}\n${out}\n${err}")
  endif()
endfunction()

set(flags "")
if(SANITIZE)
  set(flags "-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${folder}/installed)
# Only what is installed may be found: not this tree's own headers.
run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${folder}/build -DCMAKE_PREFIX_PATH=${folder}/installed
  -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_CXX_FLAGS=${flags})
run(${CMAKE_COMMAND} --build ${folder}/build)
expect(0 "Usage: submit-one" ${folder}/build/submit-one --help)
expect(5 "file_unusable" ${folder}/build/submit-one tcp://127.0.0.1:1 no-policy.json no.key no-state no-update)
expect(0 "Usage: sealfold-participant" ${folder}/installed/bin/sealfold-participant --help)
expect(0 "Usage: sealfold-attest" ${folder}/installed/bin/sealfold-attest --help)
file(REMOVE_RECURSE ${folder})
