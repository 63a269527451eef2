// What the way in says.
import { say } from ".";

say({
  en: {
    signIn: {
      title: "Sign in",
      send: "Sign in",
      sending: "Signing in …",
      out: "Sign out",
      lead: "See what you have used, and what is left.",
      enter: "Welcome",
      enterLead: "Choose a password: this link works once.",
    },
  },
  ko: {
    signIn: {
      title: "로그인",
      send: "로그인",
      sending: "로그인하는 중…",
      out: "로그아웃",
      lead: "얼마나 썼고 얼마나 남았는지 확인하세요.",
      enter: "환영합니다",
      enterLead: "비밀번호를 정하세요. 이 링크는 한 번만 쓸 수 있습니다.",
    },
  },
});
