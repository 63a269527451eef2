// What the way in says.
import { say } from ".";

say({
  en: {
    signIn: {
      title: "Sign in",
      send: "Sign in",
      sending: "Signing in …",
      out: "Sign out",
      ended: "You are no longer signed in: your session ran out, or was ended elsewhere. Sign in to go on where you were.",
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
      ended: "로그인이 해제되었습니다. 로그인 기한이 지났거나 다른 곳에서 로그아웃했습니다. 다시 로그인하면 보던 화면으로 돌아갑니다.",
      lead: "얼마나 썼고 얼마나 남았는지 확인하세요.",
      enter: "환영합니다",
      enterLead: "비밀번호를 정하세요. 이 링크는 한 번만 쓸 수 있습니다.",
    },
  },
});
