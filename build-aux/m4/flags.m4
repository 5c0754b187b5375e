# BF_TRY_FLAG(FLAG): adds a compiler flag to CFLAGS if the compiler takes it.
AC_DEFUN([BF_TRY_FLAG], [
  bf_saved_CFLAGS="$CFLAGS"
  CFLAGS="$CFLAGS $1"
  AC_MSG_CHECKING([whether the compiler takes $1])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     CFLAGS="$bf_saved_CFLAGS"])
])
