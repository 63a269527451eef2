import type { Words } from "./en";

export const ko: Words = {
  brand: "tokenhouse",
  skip: "본문으로 건너뛰기",
  nav: { label: "주 메뉴", usage: "사용량", chat: "채팅", history: "이용 내역", buy: "구매", keys: "API 키", notices: "알림" },
  theme: { label: "테마", light: "밝게", dark: "어둡게" },
  language: "언어",
  signIn: {
    title: "로그인",
    email: "이메일",
    password: "비밀번호",
    send: "로그인",
    sending: "로그인하는 중…",
    out: "로그아웃",
    lead: "얼마나 썼고 얼마나 남았는지 확인하세요.",
  },
  state: {
    loading: "불러오는 중…",
    offline: "서비스에 연결할 수 없습니다. 네트워크를 확인하세요. 연결되면 자동으로 다시 시도합니다.",
    failed: "처리하지 못했습니다",
    again: "다시 시도",
    forbidden: "이 화면을 볼 수 있는 역할이 아닙니다.",
    missing: "여기에는 아무것도 없습니다.",
    home: "첫 화면으로",
  },
};
